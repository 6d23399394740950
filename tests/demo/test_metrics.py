from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.api.resources import ObjectKey
from rollouts.core.measurement import NoData, Outcome, Probe, Rejected, Signal, Subject, Value
from rollouts.demo.ledger import Answer, Ledger
from rollouts.demo.metrics import Question, TrafficMetrics, read_query
from rollouts.metrics.istio import Services, render_query

AT = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
ROUTE, APP, OTHER = ObjectKey("default", "app"), ObjectKey("default", "app"), ObjectKey("default", "app-primary")
SUCCESS, DURATION, RATE = Signal.SUCCESS_RATE, Signal.DURATION, Signal.REQUEST_RATE
NAMES = st.text(max_size=12)


def source(*answers: Answer, serves: bool = True) -> TrafficMetrics:
    """One over these answers."""
    ledger = Ledger()
    for answer in sorted(answers, key=lambda answer: answer.at):
        ledger.note(answer)
    return TrafficMetrics(ledger, lambda _workload: serves)


def answer(ago_s: float, status: int = 200, duration_ms: float = 10.0, workload: ObjectKey | None = APP) -> Answer:
    """One that a workload gave some seconds ago."""
    return Answer(AT - timedelta(seconds=ago_s), ROUTE, status, duration_ms, workload)


def asked(signal: Signal, window_s: float = 0.0) -> str:
    """The query about the app."""
    return render_query(Probe(signal, window_s=window_s), APP.namespace, APP.name)


@given(namespace=NAMES, name=NAMES, window_ms=st.integers(1, 10**7), signal=st.sampled_from([SUCCESS, DURATION]))
def test_each_query_of_the_adapter_is_known_by_its_text(
    namespace: str, name: str, window_ms: int, signal: Signal
) -> None:
    """Whatever the names hold."""
    query = render_query(Probe(signal, window_s=window_ms / 1000), namespace, name)
    assert read_query(query) == Question(Probe(signal, window_s=window_ms / 1000), ObjectKey(namespace, name))
    rate = render_query(Probe(RATE), namespace, name)
    assert read_query(rate) == Question(Probe(RATE), ObjectKey(namespace, name))


@given(
    namespace=NAMES, name=NAMES, services=st.builds(Services, st.tuples(NAMES, NAMES), st.booleans()),
    side=st.sampled_from([Subject.CANARY, Subject.BOTH]),
)  # fmt: skip
def test_so_are_those_of_what_reached_no_pod(namespace: str, name: str, services: Services, side: Subject) -> None:
    """Each as one that asks the same; of both sides nobody asks which workload."""
    query = render_query(Probe(Signal.UNREACHED, side, 10.0), namespace, name, services)
    found = read_query(query)
    assert found is not None
    assert render_query(found.probe, found.workload.namespace, found.workload.name, found.services) == query


async def test_what_reached_no_pod_was_meant_for_a_service() -> None:
    """Copies do not count, nor what no route led anywhere."""
    own, apex = ObjectKey("default", "app-canary"), ObjectKey("default", "app")
    told = [
        Answer(AT, ROUTE, 503, service=own), Answer(AT, ROUTE, 404), Answer(AT, ROUTE, 503, service=own, copied=True),
        *(Answer(AT, ROUTE, 200, 1.0, APP, service=own) for _ in range(3)),
        *(Answer(AT, ROUTE, 200, 1.0, OTHER, service=apex) for _ in range(6)),
    ]  # fmt: skip
    over = source(*told)

    async def percent(services: Services, side: Subject = Subject.CANARY) -> Outcome:
        query = render_query(Probe(Signal.UNREACHED, side, 10.0), APP.namespace, APP.name, services)
        return await over.measure(query, AT)

    assert await percent(Services((own.name,))) == Value(25.0)
    assert await percent(Services((own.name,), shared=True)) == Value(0.0)
    assert await percent(Services((own.name, apex.name)), Subject.BOTH) == Value(10.0)
    assert await percent(Services(("other",)), Subject.BOTH) == NoData()
    assert await over.measure(asked(Signal.CALLERS_DURATION, 2), AT) == Value(1.0)


@pytest.mark.parametrize("query", ["", "up", "vector(2)", asked(SUCCESS, 2) + " ", asked(DURATION, 2)[:-1]])
async def test_any_other_query_is_refused(query: str) -> None:
    """As Prometheus refuses what it can't parse."""
    assert isinstance(await source().measure(query, AT), Rejected)


async def test_the_window_is_respected() -> None:
    """Its earlier end does not belong to it, its later one does, and what comes after is not seen."""
    over = source(answer(2.0, 500), answer(1.9), answer(1.0, 500), answer(0.0), answer(0.5), answer(-0.1, 500))
    assert await over.measure(asked(SUCCESS, 2), AT) == Value(75.0)
    assert await over.measure(asked(SUCCESS, 1), AT) == Value(100.0)
    assert await over.measure(asked(SUCCESS, 60), AT) == Value(60.0)


async def test_nothing_asked_is_no_data_and_only_failures_are_zero() -> None:
    """The two ways of having no success differ."""
    over = source(answer(5.0), answer(1.0, 503, workload=None), answer(1.0, workload=OTHER))
    assert await over.measure(asked(SUCCESS, 2), AT) == NoData()
    assert await over.measure(asked(DURATION, 2), AT) == NoData()
    assert await source(answer(1.0, 500)).measure(asked(SUCCESS, 2), AT) == Value(0.0)
    assert await source(answer(1.0, 404)).measure(asked(SUCCESS, 2), AT) == Value(100.0)


async def test_the_99th_percentile_is_by_nearest_rank() -> None:
    """Of a hundred the 99th, of few the slowest."""
    hundred = source(*(answer(1.0, duration_ms=float(number)) for number in range(1, 101)))
    assert await hundred.measure(asked(DURATION, 2), AT) == Value(99.0)
    assert await source(answer(1.0, duration_ms=7.0)).measure(asked(DURATION, 2), AT) == Value(7.0)


async def test_a_workload_that_falls_silent_has_a_rate_of_zero_until_its_pods_are_gone() -> None:
    """Silence is a number; no series is none."""
    over = source(answer(0.5), answer(0.4), answer(1.5))
    assert await over.measure(asked(RATE), AT) == Value(2.0)
    assert await source(answer(1.5)).measure(asked(RATE), AT) == Value(0.0)
    assert await source(answer(0.5), serves=False).measure(asked(RATE), AT) == NoData()
    assert await source().measure(asked(Signal.SOURCE_ALIVE), AT) == Value(1.0)
