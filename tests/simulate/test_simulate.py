"""`rollouts simulate`: the five ready signals, the three forms, and what it says of files that can't be meant."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rollouts.admission.admit import admit
from rollouts.admission.canaries import canary_definition
from rollouts.errors import Rejected, SpecInvalid
from rollouts.simulate.command import Options, simulated
from rollouts.simulate.render_json import render_json
from rollouts.simulate.render_svg import render_svg
from rollouts.simulate.render_text import render_text
from rollouts.simulate.signal import read_signal, ready_signals, script_of
from rollouts.simulate.simulation import Ending, simulate
from rollouts.testing.scenario import Happening, Script
from tests.admission.rows import ROWS, Row
from tests.engine.world import canary_manifest

ROOT = Path(__file__).resolve().parents[2]
CANARY = ROOT / "examples" / "first-light" / "canary.yaml"
GOLDEN = Path(__file__).parent / "golden"
CANARIES = sorted(
    path for path in (ROOT / "examples").glob("*/*.yaml") if "kind: Canary" in path.read_text(encoding="utf-8")
)
SUBSETS = [path for path in CANARIES if "subsets:" in path.read_text(encoding="utf-8")]
EXAMPLES = [path for path in CANARIES if path not in SUBSETS]


def told(path: Path, **options: Any) -> str:
    """What is printed."""
    return simulated(Options(str(path), **options))[0]


@pytest.mark.parametrize("signal", ready_signals())
def test_a_ready_signal_tells_its_golden_story(signal: str) -> None:
    """Word for word; `python -m tests.simulate` writes them anew, to be read before they are kept."""
    assert told(CANARY, signal=signal) == (GOLDEN / f"{signal}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("signal", "ending"),
    [
        ("healthy", Ending.PROMOTED),
        ("step-regression", Ending.ROLLED_BACK),
        ("flapping", Ending.ROLLED_BACK),
        ("slow-start", Ending.PROMOTED),
        ("no-traffic", Ending.UNFINISHED),
    ],
)
def test_a_ready_signal_ends_as_its_name_says(signal: str, ending: Ending) -> None:
    """For the first light's Canary, whatever is left to chance."""
    assert {simulate(str(CANARY), signal, seed).ending for seed in range(5)} == {ending}


@pytest.mark.parametrize(
    ("path", "signal"), list(product(EXAMPLES, ready_signals())), ids=lambda value: str(value)[-24:]
)
def test_every_example_can_be_simulated(path: Path, signal: str) -> None:
    """In each form, on each signal."""
    found = simulate(str(path), signal, 0)
    assert render_text(found, trace=True)
    assert json.loads(render_json(found, trace=True))["ending"] == found.ending
    assert len(ET.fromstring(render_svg(found)))  # noqa: S314 - our own


@pytest.mark.parametrize("path", SUBSETS, ids=lambda path: path.parent.name)
def test_subsets_are_refused_plainly(path: Path) -> None:
    """The file alone does not say what the routes and the Deployments are."""
    with pytest.raises(SpecInvalid, match="a Canary with subsets is valid, but not simulated"):
        simulate(str(path), "healthy", 0)


@settings(max_examples=25, deadline=None)
@given(
    analysis=st.fixed_dictionaries(
        {
            "stepWeights": st.lists(st.integers(1, 100), min_size=1, max_size=4, unique=True).map(sorted),
            "threshold": st.integers(1, 4),
        }
    ),
    happening=st.fixed_dictionaries({"at": st.floats(0, 60), "successRate": st.floats(0, 100)}),
    seed=st.integers(0, 9),
)
def test_any_canary_and_signal_come_to_an_end_and_the_same_one_twice(
    analysis: dict[str, Any], happening: dict[str, float], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Same seed, same bytes."""
    folder = tmp_path_factory.mktemp("simulate")
    canary, signal = folder / "canary.yaml", folder / "signal.yaml"
    canary.write_text(yaml.safe_dump(canary_manifest(**analysis)))
    signal.write_text(yaml.safe_dump({"when": [{"at": 0, "apply": "b"}, happening]}))
    one, two = (told(canary, signal=str(signal), seed=seed, output="json", trace=True) for _ in range(2))
    assert one == two
    assert json.loads(one)["ending"] in {"promoted", "rolled-back"}


def test_what_happens_at_a_weight_happens_when_the_canary_has_it() -> None:
    """And not before: the step before passes."""
    found = json.loads(told(CANARY, signal="step-regression", output="json"))
    reached = next(made["at"] for made in found["decisions"] if made["weight"] == 30)
    verdicts = [(seen["at"] > reached, seen["verdict"]) for seen in found["measured"] if "success" in seen["name"]]
    assert verdicts
    assert all(verdict == ("Fail" if late else "Pass") for late, verdict in verdicts)


def test_json_has_what_the_page_says() -> None:
    """Its names are a promise."""
    found = json.loads(told(CANARY, output="json", trace=True))
    assert list(found) == [
        "canary", "signal", "seed", "ending", "endedAt", "failedChecks", "plan", "decisions", "events", "measured",
        "waits",
    ]  # fmt: skip
    assert list(found["decisions"][0]) == ["at", "event", "phase", "step", "weight", "reason"]
    assert list(found["events"][0]) == ["at", "kind", "reason", "message"]
    assert list(found["measured"][0]) == ["at", "name", "verdict", "value", "message"]
    assert found["plan"][0] == {"weight": 10, "dwell": 10.0, "checks": 1, "mirrored": False}


def test_the_picture_is_whole_and_stands_by_itself() -> None:
    """XML that parses, without a script or anything from elsewhere, with each decision in it."""
    found = ET.fromstring(told(CANARY, signal="step-regression", output="svg"))  # noqa: S314 - our own
    names = {element.tag.rpartition("}")[2] for element in found.iter()}
    assert names == {"svg", "style", "rect", "text", "line", "path", "circle", "title"}
    titles = [element.text or "" for element in found.iter() if element.tag.endswith("title")]
    assert any("Rollback: request-success-rate 95.00 %" in title for title in titles)


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        ("", {}, "no Canary in it: found nothing"),
        ("kind: Deployment", {}, "no Canary in it: found Deployment"),
        ("[1, a]", {}, "no Canary in it: found a list"),
        ("hello", {}, "no Canary in it: found a single value"),
        ("a: 1", {}, "no Canary in it: found an object without kind"),
        ("a: 1\nb: [", {}, "canary.yaml: not YAML: line 2, column 5: expected the node content"),
        ("a: *x", {}, "canary.yaml: not YAML: line 1, column 4: found undefined alias"),
        ("kind: Canary\n---\nkind: Canary\nmetadata: {name: b}", {}, "2 Canaries in it: choose one by --name"),
        ("kind: Canary\nmetadata: {name: b}", {"name": "c"}, "no Canary 'c' in it: found b"),
        (None, {"signal": "nonsense"}, "no signal 'nonsense': name one of flapping, healthy, no-traffic"),
        (None, {"signal": "./none.yaml"}, "No such file or directory"),
    ],
)
def test_files_that_can_not_be_meant_are_refused(
    content: str | None, options: dict[str, str], says: str, tmp_path: Path
) -> None:
    """With what to do."""
    path = tmp_path / "canary.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SpecInvalid) as refused:
        told(CANARY if content is None else path, **options)
    assert says in str(refused.value)


@pytest.mark.parametrize("row", [row for row in ROWS if row.spec is not None], ids=lambda row: row.name)
def test_a_bad_canary_is_refused_as_kubectl_apply_would(row: Row, tmp_path: Path) -> None:
    """In the server's words, field by field."""
    path = tmp_path / "canary.yaml"
    path.write_text(yaml.safe_dump(row.manifest(), allow_unicode=True))
    with pytest.raises(Rejected) as rejected:
        admit(canary_definition(), row.manifest())

    with pytest.raises(SpecInvalid) as refused:
        simulate(str(path), "healthy", 0)

    said = [cause["message"] for cause in rejected.value.causes] or [str(rejected.value)]
    assert all(words in str(refused.value) for words in said)


@pytest.mark.parametrize(
    ("signal", "says"),
    [
        ([], "the signal is no map"),
        ({"times": "hours"}, "times: 'hours' is neither of seconds and intervals"),
        ({"when": 7}, "when: "),
        ({"when": [{"at": 1, "apply": "b", "errors": 7}]}, "when.0.errors: Extra inputs are not permitted"),
        ({"readyAfter": {"b": "soon"}}, "readyAfter.b"),
    ],
)
def test_signals_that_can_not_be_meant_are_refused(signal: Any, says: str, tmp_path: Path) -> None:
    """By the place in them."""
    path = tmp_path / "signal.yaml"
    path.write_text(yaml.safe_dump(signal))
    with pytest.raises(SpecInvalid) as refused:
        told(CANARY, signal=str(path))
    assert says in str(refused.value)


def test_a_signal_file_holds_one_document(tmp_path: Path) -> None:
    """Neither none nor two."""
    path = tmp_path / "signal.yaml"
    path.write_text("until: 5\n---\nuntil: 6\n")
    with pytest.raises(SpecInvalid, match="holds one document, not 2"):
        read_signal(str(path))


def test_intervals_are_those_of_the_canary() -> None:
    """Every time in the file, and nothing else in it."""
    signal = {"times": "intervals", "until": 9, "readyAfter": {"b": 2, "c": "never"},
              "when": [{"at": 1.5, "apply": "b"}, {"atWeight": 30, "successRate": 5}]}  # fmt: skip
    assert script_of(signal, 10.0) == {
        "until": 90.0, "readyAfter": {"b": 20.0, "c": "never"},
        "when": [{"at": 15.0, "apply": "b"}, {"atWeight": 30, "successRate": 5}],
    }  # fmt: skip


def _run(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "rollouts", "simulate", *words]
    return subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False, timeout=30)


def test_the_command_reads_its_input_and_says_by_its_status_how_it_came_out() -> None:
    """0 whatever the verdict, 1 if it is not the expected one, 2 for input that can't be meant."""
    text = CANARY.read_text(encoding="utf-8")
    well = _run("-", "--expect", "promoted", stdin=f"kind: Service\n---\n{text}")
    assert (well.returncode, well.stderr) == (0, "")
    assert well.stdout == told(Path(CANARY))
    badly = _run(str(CANARY), "--signal", "flapping")
    assert (badly.returncode, badly.stderr) == (0, "")
    other = _run(str(CANARY), "--signal", "flapping", "--expect", "promoted")
    assert (other.returncode, other.stderr) == (1, "expected promoted, but it is rolled-back\n")
    wrong = _run(str(ROOT))
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "Is a directory" in wrong.stderr


def test_the_page_shows_what_the_command_prints_and_names_every_key() -> None:
    """Word for word."""
    page = (ROOT / "docs" / "simulate.md").read_text(encoding="utf-8")
    printed = told(CANARY, signal="step-regression").rstrip("\n").split("\n")
    assert "\n".join(f"    {line}" if line else "" for line in printed) in page
    assert all(f"`{name}`" in page for name in ready_signals())
    for model in (Happening, Script):
        for name, field in model.model_fields.items():
            assert str(field.alias or name) in page


def test_windows_are_taken_as_open_and_a_freeze_is_shown(tmp_path: Path) -> None:
    """A window that is never open holds no simulation; what a signal freezes is held, and goes on."""
    canary, signal = tmp_path / "canary.yaml", tmp_path / "frozen.yaml"
    manifest = canary_manifest()
    manifest["spec"]["windows"] = [{"schedule": "0 3 29 2 *", "duration": "1m"}]
    canary.write_text(yaml.safe_dump(manifest), encoding="utf-8")
    happens = [{"at": 0, "apply": "b"}, {"at": 5, "policy": {"freeze": "quarter end"}}, {"at": 40, "policy": None}]
    signal.write_text(yaml.safe_dump({"when": happens}), encoding="utf-8")

    assert simulate(str(canary), "healthy", 0).ending is Ending.PROMOTED
    text = told(canary, signal=str(signal))
    assert "Held at 20 %: releases are frozen by ConfigMap rollouts-system/rollouts-policy: quarter end" in text
    assert "nothing holds it any more" in text
    assert "Promoted after" in text
