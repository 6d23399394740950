"""The judges of a release: a whole one passes, and each way of spoiling it is found, by name."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from e2e.first_light.facts import ReleaseFacts, Restart
from e2e.first_light.judge_release import judge_release
from e2e.first_light.report import release_json
from e2e.first_light.steps import ROUTES, read_steps
from e2e.play.seen import ApiRequest, StatusSeen, WeightSeen
from tests.lab.first_light_facts import LAG_S, bad_release, good_release, record

Spoil = Callable[[ReleaseFacts], ReleaseFacts]


def _failed(facts: ReleaseFacts) -> list[str]:
    return [result.expected for result in judge_release(facts) if not result.ok]


@pytest.mark.parametrize("make", [good_release, bad_release])
def test_a_release_as_it_should_be_meets_every_expectation(make: Callable[[], ReleaseFacts]) -> None:
    """Nothing is found wrong, and there is something to find."""
    results = judge_release(make())
    assert [result for result in results if not result.ok] == []
    assert len(results) >= 10


def _one_client_error(facts: ReleaseFacts) -> ReleaseFacts:
    failure = record(55.0, "app-primary", "2", status=503)
    return replace(facts, records=(*facts.records[:-1], failure, facts.records[-1]))


def _weight_skipped(facts: ReleaseFacts) -> ReleaseFacts:
    return replace(facts, routes=facts.routes[:1] + facts.routes[2:], requests=facts.requests[:1] + facts.requests[2:])


def _weight_written_twice(facts: ReleaseFacts) -> ReleaseFacts:
    again = ApiRequest(25.0, "patch", ROUTES, "default", "app", 200)
    return replace(facts, requests=(*facts.requests, again))


def _step_cut_short(facts: ReleaseFacts) -> ReleaseFacts:
    routes, requests = list(facts.routes), list(facts.requests)
    routes[3] = replace(routes[3], at_s=29.51)
    requests[3] = replace(requests[3], at_s=29.5)
    envoy = list(facts.envoy)
    envoy[3] = replace(envoy[3], at_s=32.1)
    return replace(facts, routes=tuple(routes), requests=tuple(requests), envoy=tuple(envoy))


def _share_not_given(facts: ReleaseFacts) -> ReleaseFacts:
    changed = [
        replace(item, workload="app-primary", version="1") if 12.5 < item.sent_at_s < 21.5 else item
        for item in facts.records
    ]
    return replace(facts, records=tuple(changed))


def _never_in_force(facts: ReleaseFacts) -> ReleaseFacts:
    return replace(facts, envoy=facts.envoy[:1] + facts.envoy[2:])


def _old_version_left(facts: ReleaseFacts) -> ReleaseFacts:
    last = replace(facts.records[-1], version="1")
    return replace(facts, records=(*facts.records[:-1], last))


def _phase_missing(facts: ReleaseFacts) -> ReleaseFacts:
    return replace(facts, statuses=tuple(seen for seen in facts.statuses if seen.phase != "Finalising"))


def _few_requests(facts: ReleaseFacts) -> ReleaseFacts:
    return replace(facts, ended_at_s=facts.ended_at_s + 10)


SHARE = "the share that clients got lies in the band of 1 - 1e-6 at each weight"
ONCE = "the route is written once for each weight"
IN_ORDER = "each weight once, in order: [10, 20, 30, 40, 50, 0]"


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        pytest.param(_one_client_error, ["no client sees an error, at promotion and scale-down too"], id="an error"),
        pytest.param(_weight_skipped, [IN_ORDER, SHARE], id="a weight skipped"),
        pytest.param(_weight_written_twice, [ONCE], id="a weight written twice"),
        pytest.param(_step_cut_short, ["each step is held for at least 8 s"], id="a dwell cut short"),
        pytest.param(_share_not_given, [SHARE], id="a share that clients did not get"),
        pytest.param(_never_in_force, [SHARE], id="a weight that Envoy never had"),
        pytest.param(_old_version_left, ["all clients are on version 2"], id="an old version left"),
        pytest.param(
            _phase_missing, ["phases: Progressing, Promoting, Finalising, Succeeded"], id="a phase that never was"
        ),
        pytest.param(_few_requests, ["clients send at least 200 requests/s"], id="too little load"),
        pytest.param(
            lambda facts: replace(facts, canary_replicas=2), ["the canary is scaled to 0"], id="a canary left running"
        ),
        pytest.param(
            lambda facts: replace(facts, primary_version="1"), ["the primary runs version 2"], id="an old primary"
        ),
        pytest.param(
            lambda facts: replace(facts, overdue="the end"), ["the release comes to its end"], id="a release that hangs"
        ),
    ],
)
def test_a_spoiled_good_release_is_found(spoil: Spoil, expected: list[str]) -> None:
    """Exactly what was spoiled is named."""
    assert _failed(spoil(good_release())) == expected


def _bad_answer_late(facts: ReleaseFacts) -> ReleaseFacts:
    late = record(28.0, "app", "3", status=500)
    return replace(facts, records=(*facts.records[:-1], late, facts.records[-1]))


def _primary_fails_too(facts: ReleaseFacts) -> ReleaseFacts:
    early = record(10.0, "app-primary", "2", status=500)
    return replace(facts, records=(early, *facts.records))


def _wrong_reason(facts: ReleaseFacts) -> ReleaseFacts:
    failed = replace(facts.statuses[-1], failed_metrics=("request-duration",))
    return replace(facts, statuses=(*facts.statuses[:-1], failed))


def _never_back(facts: ReleaseFacts) -> ReleaseFacts:
    return replace(facts, routes=facts.routes[:1], requests=facts.requests[:1], envoy=facts.envoy[:1])


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        pytest.param(_bad_answer_late, {"no bad answer once weight 0 is in force"}, id="a bad answer afterwards"),
        pytest.param(_primary_fails_too, {"nobody but the bad version gives errors"}, id="an error of the primary"),
        pytest.param(_wrong_reason, {"it failed by request-success-rate"}, id="another reason"),
        pytest.param(_never_back, {"the weight goes up the plan and back to 0"}, id="weight never 0"),
    ],
)
def test_a_spoiled_bad_release_is_found(spoil: Spoil, expected: set[str]) -> None:
    """What was spoiled is among what is named."""
    assert expected <= set(_failed(spoil(bad_release())))


def test_only_requests_between_envoys_change_and_the_next_write_count() -> None:
    """The first 0.1 s of each step, before Envoy had the weight, is left out."""
    steps = read_steps(good_release())
    assert [step.weight_percent for step in steps] == [10, 20, 30, 40, 50, 0]
    first = steps[0]
    assert first.in_force_at_s == pytest.approx(2.0 + LAG_S)
    assert first.answered == pytest.approx((10.0 - LAG_S) * 200, abs=1)
    assert first.by_canary == pytest.approx(first.answered / 10, abs=1)


def _restarted(steps_after: list[int]) -> ReleaseFacts:
    facts = good_release()
    seen = [StatusSeen(30.0 + number, "Progressing", step, step * 10) for number, step in enumerate(steps_after)]
    return replace(
        facts, statuses=(*facts.statuses[:2], *seen, *facts.statuses[2:]), restart=Restart(27.0, 29.0, 3, 30)
    )


@pytest.mark.parametrize(
    ("steps_after", "ok"),
    [
        pytest.param([3, 4, 5], True, id="goes on"),
        pytest.param([4, 5], True, id="nothing to say before the next step"),
        pytest.param([3, 5], False, id="skips a step"),
        pytest.param([1, 2, 3], False, id="begins anew"),
        pytest.param([2, 3, 4], False, id="repeats a step"),
    ],
)
def test_a_restart_must_go_on_at_the_same_step(steps_after: list[int], ok: bool) -> None:  # noqa: FBT001 - a case
    """The next step after a restart is the one that follows."""
    assert ("after kill -9 it goes on at the same step" not in _failed(_restarted(steps_after))) is ok


def test_the_figures_say_how_long_bad_answers_came() -> None:
    """They are counted from the first bad answer a client got."""
    figures = release_json(bad_release())
    assert figures["bad_answers"] == figures["client_errors"] > 0
    assert figures["first_bad_to_weight_0_s"] == pytest.approx(20.0, abs=0.2)
    assert figures["first_bad_to_last_bad_s"] <= figures["first_bad_to_weight_0_s"]
    assert figures["api_requests"] == {f"patch {ROUTES}": 2}
    assert [step["desired_percent"] for step in figures["steps"]] == [10, 0]
    assert figures["apply_to_end_of_release_s"] == 22.0


def test_figures_of_a_release_that_never_began_say_so() -> None:
    """Nothing was seen: nothing is claimed, and expectations fail."""
    facts = replace(
        good_release(), statuses=(), routes=(), envoy=(), requests=(), records=(), overdue="the release's end"
    )
    assert release_json(facts)["apply_to_end_of_release_s"] is None
    assert len(_failed(facts)) >= 8


def test_a_weight_without_a_write_in_the_audit_log_is_found() -> None:
    """Somebody else wrote it, or the log lies."""
    facts = replace(good_release(), routes=(*good_release().routes, WeightSeen(59.0, 10)))
    assert ONCE in _failed(facts)
