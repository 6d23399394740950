from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from rollouts.api.status import MetricResult, Verdict
from rollouts.demo.chronicle import About, Line
from rollouts.demo.ledger import Tally
from rollouts.demo.picture import Chapter, Picture, Side
from rollouts.demo.recording import Recorder, render_svg
from rollouts.testing.virtual_time import START

SVG = "{http://www.w3.org/2000/svg}"


def picture(at_s: float, phase: str = "Progressing", weight: float = 10.0) -> Picture:
    """A moment of a bad release."""
    broken = "request-success-rate 84.00 % (limit at least 99 %)"
    return Picture(
        at_s=at_s,
        phase=phase,
        step=1,
        steps=3,
        failed_checks=1,
        threshold=2,
        least_success_percent=99.0,
        gate="",
        metrics=(
            MetricResult(
                name="request-success-rate", verdict=Verdict.FAIL, value=84.0, message=broken, measured_at=START
            ),
        ),
        sides=(
            Side("shop-primary", ("2",), 2, 2, 100 - weight, 100 - weight, Tally(90, 0, 100.0, 20.0)),
            Side("shop", ("3",), 2, 2, weight, weight, Tally(10, 2, 84.0, 21.0)),
        ),
        clients=Tally(100, 2, 98.0, 20.0),
        chapters=(Chapter("a bad release is rolled back", ok=None, now=True),),
        lines=(Line(at_s, About.STORY, "a <bad> & ugly version"),),
    )


def parsed(svg: str) -> ET.Element:
    """The tree of what we wrote ourselves."""
    return ET.fromstring(svg)  # noqa: S314 - our own


def words(svg: str) -> str:
    """All text of a picture, as people read it."""
    texts = parsed(svg).iter(f"{SVG}text")
    return " ".join("".join(text.itertext()) for text in texts).replace("\xa0", " ")


def test_of_each_state_that_lasted_the_last_moment_is_kept() -> None:
    """What flits by is left out, but for the end."""
    recorder = Recorder()
    seconds = [(0.0, 10.0), (1.0, 10.0), (1.2, 20.0), (1.4, 30.0), (2.9, 30.0), (3.0, 60.0)]
    for at_s, weight in seconds:
        recorder.see(picture(at_s, weight=weight))
    assert [kept.at_s for kept in recorder.pictures] == [1.0, 2.9, 3.0]


def test_the_recording_is_one_svg_that_says_what_broke(tmp_path: Path) -> None:
    """Well-formed, complete in itself, with the text as people read it."""
    recorder = Recorder()
    for at_s in (0.0, 1.0):
        recorder.see(picture(at_s))
    recorder.see(picture(2.0, "Failed", 0.0))
    path = tmp_path / "demo.svg"
    recorder.write(path)
    text = path.read_text()
    frames = [group for group in parsed(text).iter(f"{SVG}g") if "frame" in group.get("class", "")]
    assert len(frames) == 2
    assert "request-success-rate 84.00 % (limit at least 99 %)" in words(text)
    assert "a <bad> & ugly version" in words(text)
    assert "simulated" in words(text)
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_exactly_one_picture_is_shown_at_any_time() -> None:
    """Their turns follow one another without a gap, and the last is what stands where nothing moves."""
    text = render_svg([picture(float(at_s)) for at_s in range(4)])
    turns = re.findall(r"@keyframes show(\d) \{ (.*?)\} \.f", text)
    begins, ends = [], []
    for _, keys in turns:
        percents = [float(percent) for percent in re.findall(r"([\d.]+)% \{ visibility: visible", keys)]
        begins += percents
        ends += [float(percent) for percent in re.findall(r"([\d.]+)%, 100% \{ visibility: hidden", keys)]
    assert begins[0] == 0.0
    assert begins[1:] == ends
    assert ".f3 { visibility: visible; }" in text


def test_without_a_picture_there_is_no_recording() -> None:
    """An empty file would be no better."""
    with pytest.raises(ValueError, match="no picture"):
        render_svg([])
