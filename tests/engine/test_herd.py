"""What is due together is asked together, and each Canary decides as if it had asked alone."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from rollouts.api.actions import PREFIX
from rollouts.api.resources import CANARIES, ObjectKey
from rollouts.api.status import Phase
from rollouts.core.grid import floor_instant
from rollouts.core.measurement import Unreachable
from tests.engine.herd import GRID_S, INTERVAL_S, SPREAD_S, Herd


@pytest.fixture(scope="module")
def herd() -> Herd:
    """Ten of them, released and at their ends."""
    herd = Herd(10)
    herd.run(200.0)
    return herd


def test_ten_canaries_cost_as_many_queries_as_one(herd: Herd) -> None:
    """At most four for each instant of the grid, whenever the releases began; and each answer is that of one alone."""
    assert herd.phases() == {Phase.SUCCEEDED: 9, Phase.FAILED: 1}
    assert max(herd.queries().values()) <= 4
    assert sum(herd.questions().values()) > 5 * sum(herd.queries().values())
    assert asyncio.run(herd.unequal()) == []


def test_each_is_judged_on_the_grid_and_not_before_its_time(herd: Herd) -> None:
    """The first judgement of a run is an interval after its first request, or later by less than a grid."""
    first: dict[ObjectKey, datetime] = {}
    for one in herd.answered:
        if "response_code" in one.question.query:
            first.setdefault(one.question.canary, one.at)
    assert first.keys() == herd.began.keys()
    for key, at in first.items():
        late = at - herd.began[key] - timedelta(seconds=INTERVAL_S)
        assert timedelta(0) <= late < timedelta(seconds=GRID_S + 5)
        assert at == floor_instant(at, GRID_S)


def test_where_the_source_warns_of_missing_data_nothing_is_decided_on_it() -> None:
    """No Canary goes on, and none fails its check; each tells why, and goes on when all data are there again."""
    herd = Herd(2)
    herd.warning = "store down"
    herd.run(60.0)
    assert herd.phases() == {Phase.PROGRESSING: 2}
    outcomes = {one.outcome for one in herd.answered if one.at == floor_instant(one.at, GRID_S)}
    assert outcomes == {Unreachable("only part of the data answered: store down")}


def test_a_rollback_does_not_wait_for_prometheus() -> None:
    """Judgements are due and their queries hang, for all: what a person decides is carried out within a second."""
    herd = Herd(2)

    async def story(herd: Herd) -> None:
        herd.prometheus.hold = asyncio.Event()
        await asyncio.sleep(35.0)
        assert herd.phases() == {Phase.PROGRESSING: 2}
        for key in herd.keys:
            herd.cluster.edit(CANARIES, key, {"metadata": {"annotations": {PREFIX + "abort": "1"}}})
        await asyncio.sleep(1.0)
        assert herd.phases() == {Phase.FAILED: 2}

    herd.run(SPREAD_S, story)
