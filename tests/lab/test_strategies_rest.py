"""The judges of kills and of browsers, and what the strategies' stories read and say."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from e2e.play.manifests import EXAMPLES, example
from e2e.play.seen import PRIMARY, TARGET, StatusSeen
from e2e.strategies.browsers import BROWSERS, Visit
from e2e.strategies.judge_browsers import judge_browsers
from e2e.strategies.judge_kills import judge_kills, lasted_s
from e2e.strategies.kills import KILLS, Kill, moments
from e2e.strategies.live import decision_line, real_share
from e2e.strategies.plans import SCRIPTS
from e2e.strategies.served import read_served
from e2e.strategies.spans import read_spans
from rollouts.api.canary import CanarySpec
from rollouts.core.plan import plan_of
from tests.lab.first_light_facts import good_release, record
from tests.lab.strategies_facts import run_of


def _kills(last_s: float = 50.0) -> list[Kill]:
    times = [*range(2, KILLS + 1), last_s]
    return [Kill(float(at_s), at_s + 0.1, "Progressing", 10) for at_s in times]


def test_a_release_under_kills_may_differ_in_its_duration_only() -> None:
    """Other phases, other weights, kills after its end, and a duration beyond what kills cost are found."""
    steady = good_release()
    assert [result.ok for result in judge_kills(steady, steady, _kills(), 7)] == [True] * 4
    assert [result.ok for result in judge_kills(steady, steady, _kills(58.0), 7)] == [False, True, True, True]
    skipped = replace(steady, statuses=tuple(seen for seen in steady.statuses if seen.phase != "Finalising"))
    assert [result.ok for result in judge_kills(steady, skipped, _kills(), 7)] == [True, False, True, True]
    slow = replace(steady, statuses=(*steady.statuses[:-1], replace(steady.statuses[-1], at_s=200.0)))
    assert [result.ok for result in judge_kills(steady, slow, _kills(), 7)] == [True, True, True, False]
    assert lasted_s(steady) == 56.0


def test_kills_come_at_moments_that_the_seed_decides() -> None:
    """Ten of them, all within the release."""
    assert moments(7, 60.0) == moments(7, 60.0) != moments(8, 60.0)
    assert len([moment_s for moment_s in moments(7, 60.0) if 1.0 <= moment_s <= 60.0]) == KILLS


def test_found_kill_after_the_end_no_moment_is_in_the_last_two_seconds() -> None:
    """A release that ended a moment sooner than the one before it was killed nine times only."""
    assert max(max(moments(seed, 62.8)) for seed in range(500)) <= 60.8


def _visits() -> list[Visit]:
    """Each browser meets the primary once, then the canary, and after the rollback the primary."""
    run = run_of("session affinity")
    begin_s, back_s = (span.since_s for span in read_spans(run))
    seen = []
    for number in range(BROWSERS):
        seen += [
            Visit(number, begin_s + 0.2, 200, PRIMARY, carried=False, kept=False),
            Visit(number, begin_s + 0.5, 200, TARGET, carried=False, kept=True),
            Visit(number, begin_s + 0.8, 200, TARGET, carried=True, kept=True),
            Visit(number, back_s + 0.3, 200, PRIMARY, carried=True, kept=False),
        ]
    return seen


def test_browsers_stay_with_the_canary_until_they_are_sent_back() -> None:
    """A browser that strays, that stays after the rollback, or that keeps its cookie is found."""
    run, visits = run_of("session affinity"), _visits()
    assert [result.ok for result in judge_browsers(run, visits)] == [True] * 4
    changes = [
        (2, {"workload": PRIMARY}, 1),
        (3, {"workload": TARGET}, 2),
        (3, {"kept": True}, 3),
        (0, {"status": 503}, 0),
    ]
    for place, change, found in changes:
        spoiled = [*visits]
        spoiled[place] = replace(visits[place], **change)  # type: ignore[arg-type] # fields of a Visit by name
        results = [result.ok for result in judge_browsers(run, spoiled)]
        assert results == [number != found for number in range(4)]


def test_served_requests_are_summed_by_workload() -> None:
    """Whatever the pod, the Service and the status; other series do not count."""
    labels = 'reporter="destination",destination_workload="{}",pod="{}",response_code="{}"'
    lines = [
        f"istio_requests_total{{{labels.format('app', 'app-1', 200)}}} 3",
        f"istio_requests_total{{{labels.format('app', 'app-2', 500)}}} 4",
        f"istio_requests_total{{{labels.format('app-primary', 'p', 200)}}} 5",
        f"istio_request_duration_milliseconds_count{{{labels.format('app', 'app-1', 200)}}} 9",
    ]
    assert read_served("\n".join(lines) + "\n") == {"app": 7, "app-primary": 5}


def test_a_line_tells_a_decision_and_what_clients_got() -> None:
    """Copies, checks and gates stand in it where there are some."""
    seen = StatusSeen(0.0, "Progressing", 1, 0, message="Check 1 of 2 passed", iterations=1, mirrored=True)
    line = decision_line("blue-green", seen, 12.34, "0/0")
    assert line.endswith("0 %, copied, check 1, clients 0/0 %: Check 1 of 2 passed")
    assert real_share([record(0.0, TARGET, "2"), record(0.0, PRIMARY, "1")]) == "50"
    assert real_share([]) == "-"


@pytest.mark.parametrize("story", SCRIPTS)
def test_a_script_does_what_its_example_says(story: str) -> None:
    """The shares that are expected are those of the schedule that the controller makes of the example."""
    script = SCRIPTS[story]
    analysis = CanarySpec.model_validate(example(script.example, "strategies")["spec"]).analysis
    steps = plan_of(analysis)
    mirror_percent = analysis.mirror_weight or 100
    shares = [
        (step.weight, 0 if analysis.match else step.weight, mirror_percent if step.mirrored else 0) for step in steps
    ]
    told = [(one.matched_percent, one.others_percent, one.mirror_percent) for one, _ in script.held]
    dark = [(0, 0, 0)] if script.dark else []
    assert (dark + told)[: len(shares)] == shares[: len(dark + told)]
    assert script.error_rate > 0 or len(dark + told) == len(shares)


def test_each_example_is_played() -> None:
    """But for the way of testers, which one of them takes, and what is released by another."""
    files = {path.stem for path in (EXAMPLES / "strategies").glob("*.yaml")}
    assert files == {script.example for script in SCRIPTS.values()} | {"preview", "daemon-set-app"}
    assert all(yaml.safe_load(Path(EXAMPLES / "strategies" / f"{name}.yaml").read_text()) for name in files)
