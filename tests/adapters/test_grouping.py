"""One query for many workloads: each gets what its own query would give, and nobody pays for another."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from rollouts.api.resources import ObjectKey
from rollouts.core.measurement import NoData, Outcome, Probe, Rejected, Signal, Subject, Unreachable, Value
from rollouts.metrics.grouping import Grouping, GroupingOptions, RowSource
from rollouts.metrics.istio import NO_SERVICES, Services, render_query
from rollouts.ports import WorkloadQuery
from tests.promql.played import PlayedPrometheus
from tests.promql.traffic import istio_past

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
AT_MS = round(AT.timestamp() * 1000)
NAMES = [(namespace, f"app{index}{dot}") for namespace in ("shop", "cart") for index in range(4) for dot in ("", ".x")]
WINDOWED = (Signal.SUCCESS_RATE, Signal.DURATION, Signal.REQUESTS, Signal.CALLERS_DURATION, Signal.UNREACHED)
PROBES = (*(Probe(signal, window_s=window_s) for signal in WINDOWED for window_s in (5, 30, 60, 7.5)),
          Probe(Signal.REQUEST_RATE))  # fmt: skip
AT_ONCE = GroupingOptions(quiet_s=0.0, chunk=1000)


@asynccontextmanager
async def grouping(source: RowSource, options: GroupingOptions = AT_ONCE) -> AsyncIterator[Grouping]:
    """A grouping whose tasks end with the block."""
    async with asyncio.TaskGroup() as tasks:
        yield Grouping(source, tasks.create_task, options)


def question(probe: Probe, workload: tuple[str, str], asker: str = "") -> WorkloadQuery:
    """As the engine asks it of a workload that has a Service of its own."""
    namespace, name = workload
    services = Services((f"{name}-canary",)) if probe.signal is Signal.UNREACHED else NO_SERVICES
    query = render_query(probe, namespace, name, services)
    return WorkloadQuery(query, ObjectKey(namespace, asker or name), ObjectKey(namespace, name))


@pytest.mark.parametrize("seed", range(4))
async def test_each_workload_gets_exactly_what_its_own_query_gives(seed: int) -> None:
    """To the last bit, of every signal and look-back: values, no data, and a ratio that divides by zero."""
    random = Random(seed)
    played = PlayedPrometheus(istio_past(NAMES, random, until_ms=AT_MS))
    asked = [question(probe, name) for probe in PROBES for name in (*NAMES, ("shop", "absent"))]
    async with grouping(played) as together:
        outcomes = await asyncio.gather(*(together.measure_of(one, AT) for one in asked))
    assert len(played.asked) == len(PROBES) + 4 * (len(NAMES) // 2)  # a Service's name has no dot: those go alone
    alone = [await played.measure(one.query, AT) for one in asked]
    assert outcomes == alone
    assert {type(outcome) for outcome in outcomes} == {Value, NoData}


async def test_series_are_those_of_each_selector_alone() -> None:
    """With all their samples, at the scrapes' own times."""
    played = PlayedPrometheus(istio_past(NAMES, Random(5), until_ms=AT_MS))
    asked = [_counters(name) for name in NAMES]
    async with grouping(played) as together:
        outcomes = await asyncio.gather(*(together.series_of(one, AT) for one in asked))
        assert len(played.asked) == 1
        alone = [await together.series_of(one, AT) for one in asked]
        assert len(played.asked) == 1 + len(NAMES)
    assert [set(_series(one)) for one in outcomes] == [set(_series(one)) for one in alone]
    assert sum(len(_series(one)) for one in outcomes) > len(NAMES)


def _counters(workload: tuple[str, str]) -> WorkloadQuery:
    namespace, name = workload
    labels = f'reporter="destination",destination_workload_namespace="{namespace}",destination_workload="{name}"'
    return WorkloadQuery(f"istio_requests_total{{{labels}}}[30s]", ObjectKey(*workload), ObjectKey(*workload))


def _series(outcome: object) -> tuple[object, ...]:
    assert isinstance(outcome, tuple), outcome
    return outcome


async def test_what_has_no_shape_is_asked_alone_and_at_once() -> None:
    """A sum over more Services than one, a query of another form, one that names somebody else: as they are written."""
    both = render_query(Probe(Signal.UNREACHED, Subject.BOTH, 60), "shop", "a", Services(("a", "a-canary")))
    of_two = render_query(Probe(Signal.UNREACHED, Subject.CANARY, 60), "shop", "a", Services(("a", "b")))
    labels = 'destination_workload_namespace="shop",destination_workload="a"'
    other = f"sum(rate(x{{{labels}}}[1m])) / sum(rate(y[1m]))"
    half = f"sum(rate(x{{{labels}}}[1m]) and y{{}})"
    played = PlayedPrometheus()
    async with grouping(played, GroupingOptions(quiet_s=1e6)) as together:
        for query in (both, of_two, other, half):
            await together.measure_of(WorkloadQuery(query, ObjectKey("shop", "a"), ObjectKey("shop", "a")), AT)
    assert [query for query, _ in played.asked] == [both, of_two, other, half]


async def test_questions_are_cut_into_chunks_of_a_bounded_length() -> None:
    """One query for each 250 workloads, however many there are."""
    names = [("shop", f"checkout-service-{index}") for index in range(1000)]
    played = PlayedPrometheus()
    async with grouping(played, GroupingOptions(quiet_s=0.0)) as together:
        await asyncio.gather(*(together.measure_of(question(PROBES[0], name), AT) for name in names))
    assert len(played.asked) == 4
    assert max(len(query) for query, _ in played.asked) < 16_384


async def test_the_same_question_twice_is_in_the_query_once() -> None:
    """And both have the answer."""
    played = PlayedPrometheus(istio_past([("shop", "a"), ("shop", "b")], Random(1), until_ms=AT_MS))
    asked = [question(PROBES[0], ("shop", name)) for name in ("a", "b", "a")]
    async with grouping(played) as together:
        first, _, again = await asyncio.gather(*(together.measure_of(one, AT) for one in asked))
    assert first == again
    assert len(played.asked) == 1


async def test_whether_the_source_answers_is_asked_once() -> None:
    """By all Canaries together, since it is about none of them."""
    played = PlayedPrometheus()
    asked = [WorkloadQuery("vector(1)", ObjectKey("shop", name), ObjectKey("shop", name)) for name in "abc"]
    async with grouping(played) as together:
        outcomes = await asyncio.gather(*(together.measure_of(one, AT) for one in asked))
    assert outcomes == [Value(1.0)] * 3
    assert [query for query, _ in played.asked] == ["vector(1)"]


async def test_an_instant_on_the_grid_is_kept_and_others_meet() -> None:
    """On the grid each is evaluated at its own; off it, all that are gathered at the latest of them."""
    options = GroupingOptions(quiet_s=0.0, grid_s=5.0)
    names = [("shop", "a"), ("shop", "b"), ("shop", "c")]
    for first, evaluated in ((AT, {AT, AT + timedelta(seconds=5)}), (AT + timedelta(seconds=1),) * 2):
        expected = evaluated if isinstance(evaluated, set) else {first + timedelta(seconds=0.2)}
        ats = [first, first, first + timedelta(seconds=5)] if len(expected) == 2 else [
            first + timedelta(seconds=late_s) for late_s in (0.0, 0.2, 0.1)
        ]  # fmt: skip
        played = PlayedPrometheus()
        async with grouping(played, options) as together:
            pairs = zip(names, ats, strict=True)
            await asyncio.gather(*(together.measure_of(question(PROBES[0], name), at) for name, at in pairs))
        assert set(played.by_instant()) == expected


async def test_one_bad_workload_spoils_no_other() -> None:
    """A refused query is asked again in halves: who is refused at last is the one that it is the matter of."""
    names = [("shop", f"a{index}") for index in range(32)]
    played = PlayedPrometheus(istio_past(names, Random(2), until_ms=AT_MS))
    played.refuse = lambda query: "too many samples" if re.search(r'[|"]a13[|"]', query) else ""
    asked = [question(PROBES[0], name) for name in names]
    async with grouping(played) as together:
        outcomes = dict(zip(names, await asyncio.gather(*(together.measure_of(one, AT) for one in asked)), strict=True))
    assert len(played.asked) == 11  # 1, then two halves at each of 5 levels
    refused = Rejected("Prometheus rejects the query: too many samples")
    assert outcomes.pop(("shop", "a13")) == refused
    assert refused not in outcomes.values()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param((503, b""), Unreachable("HTTP 503"), id="away"),
        pytest.param(
            (401, b""),
            Rejected("the credentials for Prometheus are refused (HTTP 401): check token or password"),
            id="credentials",
        ),
        pytest.param(
            (200, b'{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["store down"]}'),
            Unreachable("only part of the data answered: store down"),
            id="part of the data",
        ),
    ],
)
async def test_what_is_wrong_with_the_source_is_everybodys(answer: tuple[int, bytes], expected: Outcome) -> None:
    """Each asker has it as the outcome, and no further query is sent."""
    played = PlayedPrometheus(answer=answer)
    asked = [question(PROBES[0], ("shop", f"a{index}")) for index in range(8)]
    async with grouping(played) as together:
        outcomes = await asyncio.gather(*(together.measure_of(one, AT) for one in asked))
    assert outcomes == [expected] * 8
    assert len(played.asked) == 1


async def test_who_gives_up_takes_nobody_with_it() -> None:
    """The first asker is cancelled while others are gathered: they are answered, and for it nothing is asked."""
    played = PlayedPrometheus()
    async with grouping(played, GroupingOptions(quiet_s=0.02)) as together:
        asked = [asyncio.ensure_future(together.measure_of(question(PROBES[0], ("shop", name)), AT)) for name in "abc"]
        await asyncio.sleep(0)
        asked[0].cancel()
        assert await asked[1] == await asked[2] == NoData()
    assert '=~"b|c"' in played.asked[0][0]


async def test_a_defect_reaches_each_asker() -> None:
    """What should never be raised is told to those who asked, and ends nothing else."""

    def refuse(query: str) -> str:
        if "=~" in query.replace('=~"5.."', ""):
            raise RuntimeError("defect")
        return ""

    async with grouping(PlayedPrometheus(refuse=refuse)) as together:
        asked = (together.measure_of(question(PROBES[0], ("shop", name)), AT) for name in "ab")
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert [str(outcome) for outcome in outcomes] == ["defect"] * 2
        assert await together.measure_of(question(PROBES[0], ("shop", "c")), AT) == NoData()


async def test_a_counter_that_is_no_number_is_refused_by_name() -> None:
    """NaN has no differences: the asker hears which series lies, and the others have their counts."""
    played = PlayedPrometheus(istio_past([("shop", "a"), ("shop", "b")], Random(3), until_ms=AT_MS))
    lying = next(labels for labels in played.past.series if ("destination_workload", "a") in labels
                 and ("reporter", "destination") in labels)  # fmt: skip
    played.past.series[lying] = [(AT_MS - 1000, float("nan"))]
    async with grouping(played) as together:
        wrong, right = await asyncio.gather(*(together.series_of(_counters(("shop", name)), AT) for name in ("a", "b")))
    assert isinstance(wrong, Rejected)
    assert "no finite number" in wrong.reason
    assert isinstance(right, tuple)
