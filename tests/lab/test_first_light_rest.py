"""The judges of what is no release: idle time, bad input, the whole run; and the summary that people read."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from e2e.first_light.facts import BadInput
from e2e.first_light.judge_rest import judge_bad_input, judge_controller, judge_errors, judge_idle, judge_refused
from e2e.first_light.report import figure_lines, release_json
from e2e.play.junit import junit_xml
from e2e.play.result import expectation_lines, result_json
from e2e.play.seen import ApiRequest
from tests.lab.first_light_facts import bad_release, good_release, record


def _request(verb: str, resource: str, code: int = 200) -> ApiRequest:
    return ApiRequest(1.0, verb, resource, "default", "app", code)


TOLD = (_request("patch", "canaries.rollouts.dev/status"), _request("create", "events", 201))
SAID = BadInput(
    case="target missing",
    words=("nope",),
    ready="False",
    message="Deployment nope does not exist: create it",
    events=("TargetNotFound: Deployment nope does not exist: create it",),
    compared=4,
    differences=(),
    requests=TOLD,
)


@pytest.mark.parametrize(
    ("requests", "ok"),
    [
        pytest.param([_request("watch", "canaries.rollouts.dev")], True, id="watches"),
        pytest.param([], True, id="nothing at all"),
        pytest.param([_request("list", "canaries.rollouts.dev")], False, id="a list"),
        pytest.param([_request("patch", "canaries.rollouts.dev/status", 409)], False, id="a refused write"),
    ],
)
def test_an_idle_controller_may_only_watch(requests: list[ApiRequest], ok: bool) -> None:  # noqa: FBT001 - a case
    """Any other request counts, whatever came of it."""
    assert judge_idle(requests, 60.0).ok is ok


def test_bad_input_that_is_told_and_left_alone_passes() -> None:
    """Condition, Event, nothing touched: three expectations."""
    assert [result.ok for result in judge_bad_input(SAID)] == [True, True, True]


@pytest.mark.parametrize(
    ("seen", "verdicts"),
    [
        pytest.param(replace(SAID, ready=""), [False, True, True], id="no condition"),
        pytest.param(replace(SAID, ready="True"), [False, True, True], id="called ready"),
        pytest.param(replace(SAID, message="something is wrong"), [False, True, True], id="a vague condition"),
        pytest.param(replace(SAID, events=()), [True, False, True], id="no event"),
        pytest.param(replace(SAID, events=("Failed: it failed",)), [True, False, True], id="a vague event"),
        pytest.param(replace(SAID, differences=("Service app was added",)), [True, True, False], id="a change"),
        pytest.param(replace(SAID, compared=0), [True, True, False], id="nothing to compare"),
        pytest.param(
            replace(SAID, requests=(*TOLD, _request("patch", "services"))),
            [True, True, False],
            id="a write without effect",
        ),
    ],
)
def test_bad_input_that_is_not_told_or_not_left_alone_fails(seen: BadInput, verdicts: list[bool]) -> None:
    """Each of the three is judged for itself."""
    assert [result.ok for result in judge_bad_input(seen)] == verdicts


@pytest.mark.parametrize(
    ("code", "said", "found", "ok"),
    [
        pytest.param(1, "stepWeights must ascend", 0, True, id="refused in words"),
        pytest.param(0, "", 1, False, id="accepted"),
        pytest.param(1, "connection refused", 0, False, id="refused for another reason"),
        pytest.param(1, "stepWeights must ascend", 1, False, id="refused and kept"),
    ],
)
def test_a_refusal_must_say_why(code: int, said: str, found: int, ok: bool) -> None:  # noqa: FBT001 - a case
    """The API server refuses, says why, and keeps nothing."""
    assert judge_refused("steps", code=code, said=said, words=("must ascend",), found=found).ok is ok


def test_an_error_between_releases_is_found_and_one_of_the_bad_version_is_not() -> None:
    """Only the time of a bad release excuses errors."""
    bad, good = bad_release(), good_release()
    assert judge_errors(bad.records, [bad]).ok
    assert not judge_errors(bad.records, [good]).ok
    assert not judge_errors([record(99.0, "app-primary", "2", status=503)], [bad]).ok
    assert not judge_errors([], [bad]).ok


@pytest.mark.parametrize(
    ("log", "ends", "cleanly", "verdicts"),
    [
        pytest.param("{}", [], True, [True, True, True], id="well"),
        pytest.param("{}", ["it ended by itself"], True, [False, True, True], id="crashed"),
        pytest.param("{}", [], False, [True, False, True], id="had to be killed"),
        pytest.param("Traceback (most recent call last):\n", [], True, [True, True, False], id="a traceback"),
    ],
)
def test_the_controllers_process_is_judged(
    log: str,
    ends: list[str],
    cleanly: bool,  # noqa: FBT001 - a case
    verdicts: list[bool],
) -> None:
    """Living, ending and logging are three expectations."""
    assert [item.ok for item in judge_controller(log, unasked_ends=ends, ended_cleanly=cleanly)] == verdicts


def test_the_summary_names_what_failed_and_shows_the_figures() -> None:
    """A good release's time stands beside what was promised."""
    results = [result_json(result) for result in judge_bad_input(replace(SAID, events=()))]
    lines = [*expectation_lines(results), *figure_lines([release_json(good_release())])]
    assert sum(line.startswith("FAILED  bad input: target missing: an Event") for line in lines) == 1
    assert any("apply to Succeeded 56.0 s (promised at 10 s a step: 65 s)" in line for line in lines)


def test_expectations_are_counted_as_tests() -> None:
    """Each is a case; one that was not met has its detail as the failure, whatever bytes are in it."""
    results = [result_json(result) for result in judge_bad_input(replace(SAID, message="torn \x00 text"))]
    cases = list(ET.fromstring(junit_xml("first-light", results)).iter("testcase"))  # noqa: S314 - our own text
    failures = [case.find("failure") for case in cases]
    assert [failure is None for failure in failures] == [False, True, True]
    assert failures[0] is not None
    assert "torn   text" in failures[0].attrib["message"]
