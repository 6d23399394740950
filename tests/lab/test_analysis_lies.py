"""The Prometheus that lies: about the canary only, as it is told to, and what the shipped client makes of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from e2e.analysis.liar import listening
from e2e.analysis.lies import Lie, tell
from rollouts.core.measurement import NoData, Outcome, Rejected, Value
from rollouts.metrics.grouping import counters_in
from rollouts.metrics.prometheus_answer import read_answer, read_rows
from tests.lab.waiting import own_address

Json = dict[str, Any]
OF_CANARY, OF_PRIMARY = ('x{destination_workload="app"}', 'x{destination_workload="app-primary"}')


def vector() -> Json:
    """One value."""
    return {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [9, "5"]}]}}


def matrix() -> Json:
    """One series."""
    row = {"metric": {"__name__": "x", "pod": "a"}, "values": [[7, "3"], [9, "5"]]}
    return {"status": "success", "data": {"resultType": "matrix", "result": [row]}}


def outcome(lie: Lie, query: str = OF_CANARY) -> Outcome:
    """What becomes of a value."""
    return read_answer(200, json.dumps(tell(lie, query, vector(), 8.0)).encode()).outcome


@pytest.mark.parametrize(
    ("lie", "expected"),
    [
        (Lie.NONE, Value(5.0)),
        (Lie.NAN, NoData()),
        (Lie.STALE, NoData()),
        (Lie.REPLICAS, Value(5.0)),
        (Lie.INF, Rejected),
        (Lie.DUPLICATE, Rejected),
    ],
)
def test_a_value_becomes_what_the_lie_is(lie: Lie, expected: Any) -> None:
    """The primary's stays."""
    found = outcome(lie)
    assert found == expected or (isinstance(expected, type) and isinstance(found, expected))
    assert outcome(lie, OF_PRIMARY) == Value(5.0)


def test_counters_become_what_the_lie_is() -> None:
    """Cut where scrapes stopped, twice with another replica, or no number at last."""

    def found(lie: Lie) -> Any:
        return counters_in(read_rows(200, json.dumps(tell(lie, OF_CANARY, matrix(), 8.0)).encode()).series)

    assert [[sample.at for sample in one.samples] for one in found(Lie.STALE)] == [[7]]
    for lie in (Lie.DUPLICATE, Lie.REPLICAS):
        assert [dict(one.labels)["prometheus_replica"] for one in found(lie)] == ["a", "b"]
    assert isinstance(found(Lie.NAN), Rejected)
    assert isinstance(found(Lie.INF), Rejected)


def test_of_a_query_about_both_sides_only_the_canarys_rows_change() -> None:
    """The two sides of a comparison are asked for together."""
    both = matrix()
    [row] = both["data"]["result"]
    both["data"]["result"] = [
        {**row, "metric": row["metric"] | {"destination_workload": name}} for name in ("app", "app-primary")
    ]
    told = tell(Lie.STALE, 'x{destination_workload=~"app|app-primary"}[60s]', both, 8.0)
    found = {one["metric"]["destination_workload"]: len(one["values"]) for one in told["data"]["result"]}
    assert found == {"app": 1, "app-primary": 2}
    scalar = {"status": "success", "data": {"resultType": "scalar", "result": [9, "1"]}}
    assert tell(Lie.NAN, "1", scalar, 8.0) == scalar


def test_an_error_is_passed_on() -> None:
    """There is nothing in it to lie about."""
    error = {"status": "error", "error": "parse error"}
    assert tell(Lie.INF, OF_CANARY, error, 0.0) == error


@asynccontextmanager
async def _prometheus() -> AsyncIterator[str]:
    """One that always says 5."""

    async def answer(request: web.Request) -> web.Response:
        form = await request.post()
        return web.json_response(vector() | {"asked": form["query"], "time": form["time"]})

    application = web.Application()
    application.router.add_post("/api/v1/query", answer)
    runner, host = web.AppRunner(application), own_address()
    await runner.setup()
    try:
        await web.TCPSite(runner, host, 9090).start()
        yield f"http://{host}:9090"
    finally:
        await runner.cleanup()


async def test_it_passes_queries_on_and_counts_its_lies() -> None:
    """However they come, and only about the canary."""
    host = own_address()
    async with _prometheus() as upstream, listening(upstream, host) as liar, aiohttp.ClientSession() as session:
        liar.lies(Lie.NAN)
        sent = {"query": OF_CANARY, "time": "7"}
        for ask in (session.get, session.post):
            words: Json = {"params": sent} if ask == session.get else {"data": sent}
            async with ask(f"http://{host}:9095/api/v1/query", **words) as answer:
                found = await answer.json()
            assert (found["asked"], found["time"]) == (OF_CANARY, "7")
            assert found["data"]["result"][0]["value"][1] == "NaN"
        async with session.get(f"http://{host}:9095/api/v1/query", params=sent | {"query": OF_PRIMARY}) as answer:
            assert (await answer.json())["data"] == vector()["data"]
        assert liar.told == 2
