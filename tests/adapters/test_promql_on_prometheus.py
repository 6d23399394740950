"""The queries against a real Prometheus that has a known past: each answer is plain arithmetic."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from rollouts.api.metric import Reporter
from rollouts.api.resources import ObjectKey
from rollouts.core.measurement import NoData, Outcome, Probe, Rejected, Signal, Subject, Value
from rollouts.metrics.grouping import Grouping
from rollouts.metrics.istio import Services, render_query
from rollouts.metrics.prometheus import PrometheusSource, QueryReport
from rollouts.metrics.prometheus_options import PrometheusOptions
from rollouts.metrics.reading import Reading
from rollouts.ports import WorkloadQuery
from tests.adapters.exposition import Traffic
from tests.adapters.prometheus_server import Canned, prometheus_server

pytestmark = pytest.mark.lab

TRAFFIC = (
    Traffic("healthy", {"200": 9, "404": 1}, {25: 10}),
    Traffic("failing", {"500": 4, "503": 6}, {25: 10}),
    Traffic("half", {"200": 5, "500": 5}, {25: 10}),
    Traffic("idle", {"200": 0, "500": 0}, {25: 0}),
    Traffic("slow", {"200": 100}, {25: 95, 2500: 5}),
    Traffic("born", {"200": 1, "404": 1}, born=22),
    Traffic("born late", {"200": 1}, born=24),
    # Neither of these may be counted as the healthy one's.
    Traffic("healthy", {"500": 50}, {2500: 50}, namespace="elsewhere"),
    Traffic("healthy", {"500": 50}, {2500: 50}, reporter="source"),
)
CALLERS = (
    # Service one: two subsets, v2 with 4 of 100 requests, a fault on its own rule that fails 2 of its 6,
    # and one on a rule of v1 alone that fails 25.
    Traffic("v1", {"200": 94}, {25: 94}, reporter="source", service="one"),
    Traffic("v2", {"200": 4}, {2500: 4}, reporter="source", service="one"),
    # A fault delays 10 of 100 of v3's; of v4's callers all are slow, for reasons of their own.
    Traffic("v3", {"200": 90}, {25: 90}, reporter="source", service="three"),
    Traffic("v3", {"200": 10}, {2500: 10}, reporter="source", service="three", flags="DI"),
    Traffic("v3", {"200": 100}, {25: 100}),
    Traffic("v4", {"200": 100}, {2500: 100}, reporter="source", service="three"),
    Traffic("v4", {"200": 100}, {25: 100}),
    Traffic("unknown", {"555": 2}, reporter="source", service="one", flags="FI"),
    Traffic("unknown", {"500": 25}, reporter="source", service="one", flags="FI"),
    # Service app-canary: nobody listens for a quarter of it, and of what has a pod some is out of time.
    Traffic("app", {"200": 10, "500": 3}, reporter="source", service="app-canary"),
    Traffic("app", {"504": 2}, reporter="source", service="app-canary", flags="UT"),
    Traffic("unknown", {"503": 5}, reporter="source", service="app-canary", flags="UF,URX"),
    Traffic("unknown", {"0": 50, "404": 50}, reporter="source", service="app-canary", flags="DC"),
    Traffic("app-primary", {"200": 80}, reporter="source", service="app-primary"),
    # All of it fails, for a fault or for want of pods; and one that has its past, and is silent.
    Traffic("unknown", {"500": 9}, reporter="source", service="faulty", flags="FI"),
    Traffic("unknown", {"503": 9}, reporter="source", service="empty", flags="UH"),
    Traffic("silent", {"200": 0}, reporter="source", service="silent"),
    # Neither of these may be counted for the ones above.
    Traffic("unknown", {"500": 70}, reporter="source", service="one", namespace="elsewhere", flags="FI"),
    Traffic("v2", {"500": 70}, {25: 70}),
)
UNEVEN = tuple(
    Traffic(f"uneven{number}", {"200": 7 * number + 1, "404": number % 3, "503": number % 5}, {25: number, 2500: 3})
    for number in range(20)
)
"""Whose shares are no round numbers."""
GROUPED = (Signal.SUCCESS_RATE, Signal.DURATION, Signal.REQUESTS, Signal.UNREACHED, Signal.CALLERS_DURATION)
LOST, LOST_OF_BOTH = (Probe(Signal.UNREACHED, side, 60) for side in (Subject.CANARY, Subject.BOTH))
SLOW = Probe(Signal.CALLERS_DURATION, window_s=60)
APP = Services(("app", "app-primary", "app-canary"))
HEARD: dict[tuple[Probe, str, Services], Outcome] = {
    # 2 of the 6 that were meant for it, however small its share; of all requests of the Service 27 of 125.
    (LOST, "v2", Services(("one",), shared=True, codes=(555,))): Value(33.333333),
    (LOST_OF_BOTH, "v2", Services(("one",), shared=True)): Value(21.6),
    # The slowest 1.1 of 110 are among the 10 that were delayed: at 0.89 of the bucket from 1000 to 2500 ms.
    (SLOW, "v3", Services()): Value(2335),
    (SLOW, "v4", Services()): Value(24.75),
    (SLOW, "absent", Services()): NoData(),
    # 5 that nobody took and 2 out of time, of 20; what the pods answered themselves they count.
    (LOST, "app", Services(("app-canary",))): Value(35),
    (LOST_OF_BOTH, "app", APP): Value(2.5),
    (LOST, "none", Services(("faulty",), shared=True, codes=(500, 555))): Value(100),
    (LOST_OF_BOTH, "none", Services(("faulty",), shared=True)): Value(100),
    # Without pods, and without a fault: known to be its own only where the Service is.
    (LOST, "none", Services(("empty",))): Value(100),
    (LOST, "none", Services(("empty",), shared=True, codes=(503,))): NoData(),
    (LOST_OF_BOTH, "none", Services(("empty",), shared=True)): Value(100),
    (LOST, "silent", Services(("silent",))): NoData(),
    (LOST_OF_BOTH, "silent", Services(("silent",))): NoData(),
    (LOST, "absent", Services(("absent",))): NoData(),
    (LOST_OF_BOTH, "absent", Services(("absent",))): NoData(),
}
RATE, P99 = Probe(Signal.SUCCESS_RATE, window_s=60), Probe(Signal.DURATION, window_s=60)
REQUESTS = Probe(Signal.REQUEST_RATE)
MINUTE, TWO_SCRAPES, ONE_SCRAPE = (Probe(Signal.REQUESTS, window_s=window_s) for window_s in (60, 10, 5))

READ = (
    # 100 answers of an API that speaks both: 80 good, 5 + 3 failed in gRPC, 2 of them twice, 4 in HTTP, 8 too many.
    Traffic("api", {"200": 80}, {25: 80}, grpc="0"),
    Traffic("api", {"200": 5}, {100: 5}, grpc="14"),
    Traffic("api", {"200": 1, "500": 2}, {100: 3}, grpc="13"),
    Traffic("api", {"500": 4, "429": 8}, {500: 12}),
    # The same as its callers see it: what failed on the way, and what a fault delayed, is asked beside.
    Traffic("api", {"200": 90, "503": 10}, {100: 100}, reporter="source", service="api"),
    Traffic("api", {"503": 10}, {2500: 10}, reporter="source", service="api", flags="UF"),
    Traffic("api", {"200": 10}, {2500: 10}, reporter="source", service="api", flags="DI"),
    Traffic("unknown", {"200": 24}, reporter="source", service="api", flags="UH", grpc="14"),
    Traffic("unknown", {"200": 6}, reporter="source", service="api", flags="DC", grpc="1"),
    # In an ambient mesh only the waypoint counts.
    Traffic("ambient", {"200": 15, "500": 5}, {25: 20}, reporter="waypoint", service="ambient"),
    Traffic("unknown", {"503": 5}, reporter="waypoint", service="ambient", flags="UH"),
    Traffic("ambient-failed", {"500": 5}, reporter="waypoint", service="ambient"),
)
BOTH_SORTS = Reading(http=("500", "429"), grpc=(13, 14))
BY_SOURCE, BY_WAYPOINT = (Reading(reporter=reporter) for reporter in (Reporter.SOURCE, Reporter.WAYPOINT))
AMBIENT = Services(("ambient",))
READINGS: dict[tuple[Probe, str, Services, Reading], Outcome] = {
    (RATE, "api", Services(), Reading()): Value(94),
    (RATE, "api", Services(), Reading(http=("4xx",))): Value(92),
    (RATE, "api", Services(), Reading(http=(), grpc=(13, 14))): Value(92),
    # 2 of the 14 that failed in HTTP failed in gRPC too, and are counted once.
    (RATE, "api", Services(), BOTH_SORTS): Value(80),
    (RATE, "absent", Services(), BOTH_SORTS): NoData(),
    (P99, "api", Services(), Reading(quantile=0.8)): Value(25),
    (P99, "api", Services(), Reading(quantile=0.94)): Value(300),
    # 10 of 120 failed where pods counted them; 10 more on the way, which is asked beside, as the delayed are.
    (RATE, "api", Services(), BY_SOURCE): Value(91.666667),
    (P99, "api", Services(), BY_SOURCE): Value(2335),
    (SLOW, "api", Services(), BY_SOURCE): Value(2410),
    (Probe(Signal.REQUESTS, window_s=60), "api", Services(), BY_SOURCE): Value(7200),
    # Of 120 that have a pod and 24 that gRPC says were unavailable: those, and the 10 that were refused.
    (LOST, "api", Services(("api",)), Reading(grpc=(14,))): Value(23.611111),
    (LOST, "api", Services(("api",)), Reading()): Value(8.333333),
    (LOST_OF_BOTH, "api", Services(("api",)), Reading(grpc=(14,))): Value(16),
    (RATE, "ambient", Services(), BY_WAYPOINT): Value(75),
    (RATE, "ambient-failed", Services(), BY_WAYPOINT): Value(0),
    (RATE, "ambient", Services(), Reading()): NoData(),
    (LOST, "ambient", AMBIENT, BY_WAYPOINT): Value(20),
    (LOST, "ambient", AMBIENT, Reading()): NoData(),
    (REQUESTS, "ambient", Services(), BY_WAYPOINT): Value(20),
}


def _rounded(outcome: Outcome) -> Outcome:
    return Value(round(outcome.number, 6)) if isinstance(outcome, Value) else outcome


@asynccontextmanager
async def _prometheus(binary: str, target: str, folder: Path) -> AsyncIterator[str]:
    scrape = {"job_name": "past", "scrape_interval": "1s", "static_configs": [{"targets": [target]}]}
    config = folder / "prometheus.yaml"
    config.write_text(yaml.safe_dump({"scrape_configs": [scrape]}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = await asyncio.create_subprocess_exec(
        binary,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--log.level=error",
    )
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        await process.wait()


async def test_each_query_gives_what_the_requests_were(tmp_path: Path) -> None:
    """All failed is 0 and none at all is no data; others' requests do not count; p99 is the bucket's own."""
    binary = shutil.which("prometheus")
    if binary is None:
        pytest.skip("no prometheus on PATH: run inside the lab")
    at = datetime.now(tz=UTC).replace(microsecond=0)
    expected: dict[tuple[Probe, str], Outcome] = {
        (RATE, "healthy"): Value(100),
        (RATE, "failing"): Value(0),
        (RATE, "half"): Value(50),
        (RATE, "idle"): NoData(),
        (RATE, "absent"): NoData(),
        # 95 of 100 below 25 ms, so the 99th lies at 4/5 of the bucket from 1000 to 2500 ms.
        (P99, "slow"): Value(2200),
        (P99, "healthy"): Value(24.75),
        (P99, "idle"): NoData(),
        (P99, "absent"): NoData(),
        (REQUESTS, "healthy"): Value(10),
        (REQUESTS, "idle"): Value(0),
        (REQUESTS, "absent"): NoData(),
        (MINUTE, "healthy"): Value(600),
        (MINUTE, "idle"): Value(0),
        (MINUTE, "absent"): Value(0),
        # Fifteen of each code, of which `increase` would never see those of the first scrape.
        (MINUTE, "born"): Value(30),
        (MINUTE, "born late"): Value(5),
        (TWO_SCRAPES, "healthy"): Value(100),
        (TWO_SCRAPES, "born late"): Value(5),
        (ONE_SCRAPE, "healthy"): NoData(),
        (ONE_SCRAPE, "absent"): Value(0),
        (Probe(Signal.SOURCE_ALIVE), "any"): Value(1.0),
    }
    past = "\n".join(line for traffic in TRAFFIC for line in traffic.lines(at)) + "\n"
    page = Canned(body=past.encode(), headers=(("Content-Type", "text/plain; version=0.0.4"),))
    async with prometheus_server(page) as target, _prometheus(binary, target.url[7:], tmp_path) as url:
        source = PrometheusSource(url, PrometheusOptions(workers=2))
        await _scraped(source, at)
        answers = {
            (probe, workload): _rounded(await source.measure(render_query(probe, "shop", workload), at))
            for probe, workload in expected
        }
        refused = await source.measure("sum(", at)
        stale = await source.measure(render_query(RATE, "shop", "healthy"), at + timedelta(minutes=10))
        await source.aclose()
    assert answers == expected
    assert isinstance(stale, NoData)
    assert isinstance(refused, Rejected)
    assert "parse error" in refused.reason


async def test_what_callers_count_is_what_reached_no_pod(tmp_path: Path) -> None:
    """Of the canary's own requests, or of all of the Service; nobody who reports is no data."""
    binary = shutil.which("prometheus")
    if binary is None:
        pytest.skip("no prometheus on PATH: run inside the lab")
    at = datetime.now(tz=UTC).replace(microsecond=0)
    traffic = (*CALLERS, Traffic("slow", {"200": 1}))
    past = "\n".join(line for one in traffic for line in one.lines(at)) + "\n"
    page = Canned(body=past.encode(), headers=(("Content-Type", "text/plain; version=0.0.4"),))
    async with prometheus_server(page) as target, _prometheus(binary, target.url[7:], tmp_path) as url:
        source = PrometheusSource(url, PrometheusOptions(workers=2))
        await _scraped(source, at)
        answers = {
            (probe, workload, services): _rounded(
                await source.measure(render_query(probe, "shop", workload, services), at)
            )
            for probe, workload, services in HEARD
        }
        await source.aclose()
    assert answers == HEARD


async def test_a_metric_says_how_its_series_are_read(tmp_path: Path) -> None:
    """Which answers failed, whose count it is, and which quantile."""
    binary = shutil.which("prometheus")
    if binary is None:
        pytest.skip("no prometheus on PATH: run inside the lab")
    at = datetime.now(tz=UTC).replace(microsecond=0)
    past = "\n".join(line for one in (*READ, Traffic("slow", {"200": 1})) for line in one.lines(at)) + "\n"
    page = Canned(body=past.encode(), headers=(("Content-Type", "text/plain; version=0.0.4"),))
    async with prometheus_server(page) as target, _prometheus(binary, target.url[7:], tmp_path) as url:
        source = PrometheusSource(url, PrometheusOptions(workers=2))
        await _scraped(source, at)
        answers = {
            (probe, workload, services, reading): _rounded(
                await source.measure(render_query(probe, "shop", workload, services, reading), at)
            )
            for probe, workload, services, reading in READINGS
        }
        await source.aclose()
    assert answers == READINGS


async def test_one_query_for_many_gives_exactly_what_each_gives_alone(tmp_path: Path) -> None:
    """To the last bit, of every signal and look-back, and of raw counters every sample; a long one goes by POST."""
    binary = shutil.which("prometheus")
    if binary is None:
        pytest.skip("no prometheus on PATH: run inside the lab")
    at = datetime.now(tz=UTC).replace(microsecond=0)
    traffic = (*CALLERS, *(replace(one, workload=one.workload.replace(" ", "-")) for one in TRAFFIC), *UNEVEN)
    past = "\n".join(line for one in traffic for line in one.lines(at)) + "\n"
    page = Canned(body=past.encode(), headers=(("Content-Type", "text/plain; version=0.0.4"),))
    names = sorted({one.workload for one in traffic} | {f"absent-service-{number}" for number in range(230)})
    probes = [Probe(signal, window_s=window_s) for signal in GROUPED for window_s in (5, 10, 30, 60)]
    questions = [_about(probe, name) for probe in (*probes, REQUESTS) for name in names]
    counters = [_raw(name) for name in names]
    async with prometheus_server(page) as target, _prometheus(binary, target.url[7:], tmp_path) as url:
        sent: list[QueryReport] = []
        source = PrometheusSource(url, PrometheusOptions(workers=2), on_query=sent.append)
        await _scraped(source, at)
        sent.clear()
        async with asyncio.TaskGroup() as tasks:
            grouping = Grouping(source, tasks.create_task)
            together = await asyncio.gather(*(grouping.measure_of(one, at) for one in questions))
            rows = await asyncio.gather(*(grouping.series_of(one, at) for one in counters))
        queries = len(sent)
        alone = [await source.measure(one.query, at) for one in questions]
        rows_alone = [(await source.rows(one.query, at)).series for one in counters]
        await source.aclose()
    assert together == alone
    assert [set(found) for found in rows if isinstance(found, tuple)] == [set(found) for found in rows_alone]
    assert queries == 2 * (len(probes) + 2)
    numbers = [outcome for outcome in together if isinstance(outcome, Value)]
    assert len(numbers) > 300
    assert any(outcome.number % 1 for outcome in numbers)


def _about(probe: Probe, workload: str) -> WorkloadQuery:
    services = Services((f"{workload}-canary",)) if probe.signal is Signal.UNREACHED else Services()
    key = ObjectKey("shop", workload)
    return WorkloadQuery(render_query(probe, "shop", workload, services), key, key)


def _raw(workload: str) -> WorkloadQuery:
    key = ObjectKey("shop", workload)
    labels = f'reporter="destination",destination_workload_namespace="shop",destination_workload="{workload}"'
    return WorkloadQuery(f"istio_requests_total{{{labels}}}[30s]", key, key)


async def _scraped(source: PrometheusSource, at: datetime) -> None:
    """Return once Prometheus has the past; TimeoutError after 30 s."""
    query = render_query(REQUESTS, "shop", "slow")
    async with asyncio.timeout(30):
        while not isinstance(await source.measure(query, at), Value):  # noqa: ASYNC110 - a scrape is no event of ours
            await asyncio.sleep(0.1)
