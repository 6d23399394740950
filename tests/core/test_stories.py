from __future__ import annotations

import json
from itertools import groupby
from operator import itemgetter
from typing import Any

import pytest

from rollouts.api.status import CanaryStatus
from tests.core.story import Story, read, read_all

STORIES = read_all()


@pytest.mark.parametrize("name", STORIES)
def test_story_is_told_as_written(name: str) -> None:
    """Every decision of the story comes at its second, with the weight and the words that the file says."""
    text = STORIES[name]
    story = Story.of(text)

    story.tell()

    assert story.told_as(text["then"]) == text["then"]
    ending = story.ending()
    assert {key: ending[key] for key in text["ends"]} == text["ends"]
    assert story.calls == text.get("calls", story.calls)


@pytest.mark.parametrize("name", STORIES)
def test_story_is_the_same_with_a_restart_at_any_second(name: str) -> None:
    """Killed and started again at any second, the controller decides the same from its status alone."""
    text = dict(STORIES[name])
    # While the metric source fails, a new process asks at once instead of 30 s after the last time.
    if name in {"metrics-missing", "rights-missing"}:
        text["until"] = 60
    # How long a deletion waits counts anew for each process: it may never have tried.
    if name == "deleted: the pods of the target do not start":
        text["until"] = 69
    told = Story.of(text)
    told.tell()
    story = Story.of(text)
    for second in range(1, int(text["until"])):
        story.happenings += [(second + 0.5, lambda world: world.restart(up=world.up))]

    story.tell()

    turns_at = _heard_sooner_from(text, told)
    assert _until(turns_at, story.told) == _until(turns_at, told.told)
    again, before = _ways(story.lines), _ways(told.lines)
    assert [way for _, way in again] == [way for _, way in before]
    assert all(sooner <= later for (sooner, _), (later, _) in zip(again, before, strict=True))


def _heard_sooner_from(text: dict[str, Any], told: Story) -> float:
    """From when whoever has just started may hear sooner of what has changed than who has asked before.

    A webhook answers otherwise, and is asked again; or judgements were not written, and the newest is made again.
    """
    turns = [entry["at"] for entry in text["when"] if "hooks" in entry or _goes_unwritten(entry["at"], told)]
    return min(turns, default=float("inf"))


def _goes_unwritten(second: float, told: Story) -> bool:
    """Whether a release is judged then, and the newest judgement had no news."""
    last = next((row for row in reversed(told.told) if row["at"] < second), None)
    judged = last is not None and last["phase"] in {"Progressing", "WaitingPromotion"}
    return last is not None and judged and second - last["at"] > told.world.spec.analysis.interval_s


def _until(second: float, told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in told if row["at"] < second]


def _ways(lines: list[str]) -> list[tuple[float, str]]:
    """When the story came to each of its states: what led there, and how often it stayed, is left out."""
    states = [(float(told.split()[0]), told.split(" -> ")[1]) for told in lines]
    return [next(group) for _, group in groupby(states, key=itemgetter(1))]


def test_dwell_is_kept_in_the_status() -> None:
    """The dwell that a new process goes on with is the one that the status says, to the microsecond."""
    story = Story.of(read("restart-in-mid-dwell"))
    story.until = 20
    story.tell()
    status = story.world.status

    loaded = CanaryStatus.model_validate(json.loads(json.dumps(status.to_wire())))

    assert loaded.dwell_started_at == status.dwell_started_at
    assert loaded == status
