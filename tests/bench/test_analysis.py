"""The simulation itself: what it grants the rivals, and that its judge is the shipped one. Few rollouts, no figures."""

from __future__ import annotations

from math import isclose
from pathlib import Path

import numpy as np
import pytest

from rollouts.core.evidence import state
from tests.bench.analysis import births, boundary, cells, kayenta, proofs, rules, sequential, silence
from tests.bench.analysis.catalog import FAIR_CELLS, FAIR_HEALTHY, ROW_7, WORLDS, slow_share
from tests.bench.analysis.cost import row
from tests.bench.analysis.outcomes import PROMOTED, ROLLED_BACK, Outcomes, joined, refuted
from tests.bench.analysis.worlds import HORIZON, Size, World

DEAD, CALM = WORLDS["100 %, 100 rps"], WORLDS["healthy, 1000 rps"]


def _rng() -> np.random.Generator:
    return np.random.default_rng(7)


def _named(world: str, runs: int = 20) -> dict[str, Outcomes]:
    return rules.rollouts(WORLDS[world], rules.NAMED, _rng(), runs)


def test_the_judge_is_the_shipped_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge that can't count rolls nothing back."""
    assert sequential.rollouts(DEAD, sequential.SEQ, _rng(), 3).rolled_back == 1.0
    monkeypatch.setattr(state, "gains", lambda *_: ([0.0] * 18, [0.0] * 18))
    assert sequential.rollouts(DEAD, sequential.SEQ, _rng(), 3).rolled_back == 0.0


def test_a_dead_canary_takes_each_rule_its_time() -> None:
    """Flagger an interval more than its threshold, Argo as many as its limit and one, an hour for Kayenta."""
    found = _named("100 %, 100 rps")
    minutes = {name: of.minutes_to(ROLLED_BACK) for name, of in found.items()}
    assert minutes == {"F5": 6.0, "F10": 11.0, "F1": 2.0, "A0": 1.0, "A3": 4.0}
    assert isclose(found["F5"].bad_requests, 6 * 60 * 100 * 0.1 * 0.999, rel_tol=0.02)
    assert kayenta.rollouts(DEAD, _rng(), 5).rolled_back == 1.0
    ours = sequential.rollouts(DEAD, sequential.SEQ, _rng(), 20)
    assert (ours.minutes_to(ROLLED_BACK), ours.rolled_back) == (0.75, 1.0)


def test_a_healthy_release_takes_its_steps() -> None:
    """Five minutes by Flagger and by evidence at a thousand requests a second, ten by Argo."""
    found = _named("healthy, 1000 rps")
    assert {name: of.minutes_to(PROMOTED) for name, of in found.items()} == {
        "F5": 5.0, "F10": 5.0, "F1": 5.0, "A0": 10.0, "A3": 10.0,
    }  # fmt: skip
    ours = sequential.rollouts(CALM, sequential.SEQ, _rng(), 5)
    assert (ours.minutes_to(PROMOTED), ours.rolled_back) == (5.0, 0.0)
    assert kayenta.rollouts(CALM, _rng(), 5).rolled_back == 0.0


def test_no_request_is_a_failure_for_flagger_and_argo() -> None:
    """So most of the quiet services are rolled back by the strict ones; by evidence none is, nor waits for ever."""
    found = _named("healthy, 0.1 rps", 100)
    assert found["F1"].rolled_back > 0.6
    assert found["A0"].rolled_back > 0.85
    ours = sequential.rollouts(WORLDS["healthy, 0.1 rps"], sequential.SEQ, _rng(), 10)
    assert (ours.rolled_back, ours.minutes_to(PROMOTED)) == (0.0, 25.0)


def test_a_warm_up_forgives_a_cold_start() -> None:
    """And without it the canary pays."""
    cold = WORLDS["cold start 45 s, 100 rps"]
    assert sequential.rollouts(cold, sequential.WARM, _rng(), 10).rolled_back == 0.0
    assert sequential.rollouts(cold, sequential.SEQ, _rng(), 10).rolled_back == 1.0


@pytest.mark.parametrize("world", WORLDS.values(), ids=lambda world: world.name)
def test_a_shape_gives_shares_and_the_hour_before_is_healthy(world: World) -> None:
    """Between 0 and 1, for each tick; and the primary's mean before the run is that in it, but for an outage."""
    for past in (False, True):
        rates = world.shape(world, _rng(), Size(50, past))
        for of in (rates.canary, rates.one, rates.other):
            assert of.shape == (50, HORIZON)
            assert of.min() >= 0.0
            assert of.max() <= 1.0
    assert world.shape(world, _rng(), Size(50, past=True)).primary.mean() < 0.03


def test_retries_and_gaps_lose_no_request() -> None:
    """Failures come in fours; what a failed scrape missed comes with the next one."""
    world = WORLDS["four bad requests at a time (retries), 2 %, 100 rps"]
    rates = world.shape(world, _rng(), Size(1))
    one = sequential._of(rates, 0)
    assert all(arm.bad % 4 == 0 for arm, _ in sequential._arms(world, _rng(), one, 0.5, 0))
    gappy = WORLDS["every fifth scrape fails, 2 %, 100 rps"]
    ticks = list(sequential._ticks(gappy, _rng(), one, 0.5, 0))
    seen, real = sum(tick.canary.requests for tick, _, _ in ticks), sum(requests for _, _, requests in ticks)
    assert any(not tick.canary.requests for tick, _, _ in ticks)
    assert 0.97 * real < seen <= real


def test_a_job_gives_the_same_whenever_it_is_run() -> None:
    """Seeds are of the job, not of the process."""
    job = next(job for job in cells.jobs(4) if job.kind == cells.SEQUENTIAL and job.name == DEAD.name)
    one, other = cells.done(job), cells.done(job)
    assert isinstance(one, dict)
    assert isinstance(other, dict)
    assert (one["SEQ"].excess == other["SEQ"].excess).all()
    assert joined([one["SEQ"], other["SEQ"]]).ends.size == 8


def test_an_edge_is_one() -> None:
    """Few fail and few pass of those that are exactly at the limit; the tables have the cells that they speak of."""
    failed, passed = boundary.ever(boundary.EDGES[1], _rng(), 10)
    assert failed + passed <= 4
    assert set(FAIR_HEALTHY) | set(FAIR_CELLS) | set(ROW_7) <= set(WORLDS)
    assert len(rules.GRID) > 90
    assert slow_share(500.0) == pytest.approx(0.01)


def test_chance_is_told_from_a_broken_promise() -> None:
    """At 2,000 runs 5 % may be 120 by chance, and 140 not."""
    assert not refuted(120, 2000, 0.05)
    assert refuted(140, 2000, 0.05)


def test_the_judge_is_cheap_and_small() -> None:
    """The size only: time is for the bench to tell."""
    assert "bytes" in row().found


def test_increase_loses_what_the_ledger_counts() -> None:
    """At a low rate most of the first failures; none is lost here."""
    found = births.all_cases(20, 1)
    assert births.row(found).met
    assert max(of.by_increase for of in found) > 0.5
    assert all(of.by_us == 0.0 for of in found)
    scrapes = np.arange(0.0, 300.0, 15.0)
    assert births._increase(scrapes, scrapes + 1.0) == pytest.approx(301.0, abs=5.0)
    assert births._increase(scrapes, np.where(scrapes < 280.0, 0.0, 3.0)) == 0.0


def test_the_hour_of_silence_can_be_disobeyed() -> None:
    """Row 10 is met by silence under each policy, and not by an hour in which somebody calls."""
    assert silence.row().met
    assert not any(silence.silence(policy, rps=50.0).obeyed for policy in silence.ENDS)


@pytest.mark.parametrize(
    ("body", "met", "found"),
    [
        ("assert True", True, "all passed"),
        ("assert False", False, "1 failed, none passed"),
        ("import pytest; pytest.skip()", False, "1 skipped, none passed"),
        (None, False, "none passed"),
    ],
    ids=["passes", "fails", "skipped", "not there"],
)
def test_a_row_is_proven_by_tests_that_ran(tmp_path: Path, body: str | None, found: str, *, met: bool) -> None:
    """What fails, is left out or is not found proves nothing."""
    test = tmp_path / "test_proof.py"
    if body is not None:
        test.write_text(f"def test_it():\n    {body}\n")
    row = proofs.shown(proofs.Proof("0", "anything", (str(test),)))
    assert (row.met, row.found.split(":")[0].removeprefix("1 error, ")) == (met, found)
    assert row.took == f"{int(met)} tests"


def test_losses_must_be_told() -> None:
    """Row 14 is missed by a page with fewer kinds of losses than the study had."""
    assert proofs.published(["-"] * proofs.LOSSES_MIN).met
    assert not proofs.published(["-"]).met
