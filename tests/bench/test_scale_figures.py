"""The figures of one process, and what they rest on: counters that follow the routes, a Prometheus over HTTP."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rollouts.api.resources import DEPLOYMENTS, SERVICES, VIRTUAL_SERVICES, Manifest, ObjectKey
from rollouts.core.measurement import NoData, Outcome, Value
from rollouts.metrics.prometheus import PrometheusSource
from rollouts.testing.virtual_time import VirtualClock, run_virtually
from tests.bench.scale import figures, itself, page
from tests.bench.scale.figures import Figure
from tests.bench.scale.flows import RPS
from tests.bench.scale.ground import Ground
from tests.bench.scale.real import Program, answering
from tests.promql.played import PlayedPrometheus

APP, PRIMARY = ObjectKey("shop", "app"), ObjectKey("shop", "app-primary")
LOOK_BACK_S = 30


@pytest.mark.parametrize(
    ("measured", "limit", "broken", "ratio"),
    [(65.0, 65.0, False, "1.00"), (65.1, 65.0, True, "1.00"), (0.0, 0.0, False, "0.00"), (1.0, 0.0, True, "over"),
     (7.0, None, False, "-")],
)  # fmt: skip
def test_a_figure_above_its_limit_is_broken(measured: float, limit: float | None, broken: bool, ratio: str) -> None:  # noqa: FBT001 - a case
    """However little; what has no limit never is."""
    figure = Figure("some", measured, limit, "s")
    assert (figure.broken, figure.ratio) == (broken, ratio)
    assert ("BROKEN" in figures.line(figure)) is broken


@pytest.mark.parametrize(("cpu_s", "status"), [(0.08, 0), (0.081, 1)], ids=["kept", "broken"])
def test_the_command_fails_by_one_figure(
    cpu_s: float, status: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And names it on its last line; the table says all of them either way, and what is measured elsewhere."""

    async def measured(_folder: Path, _size: int, _further: int) -> list[Figure]:
        return [Figure("queries", 24, 50), Figure("CPU seconds", cpu_s, 0.08, "s")]

    file = tmp_path / "scale.md"
    file.write_text("<!-- self -->\n<!-- /self -->\n")
    monkeypatch.setattr(itself, "_measured", measured)
    monkeypatch.setattr(page.write, "__defaults__", (file,))
    assert itself.main(["--write"]) == status
    named = "CPU seconds" if status else "none"
    assert capsys.readouterr().out.splitlines()[-1] == f"above the limit: {named}"
    assert "| queries | 24 | 50 | 0.48 |" in file.read_text()
    assert all(command in file.read_text() for _, _, command in figures.ELSEWHERE)


def _workload(key: ObjectKey, version: str, error_rate: str) -> Manifest:
    env = [{"name": "VERSION", "value": version}, {"name": "ERROR_RATE", "value": error_rate}]
    template = {"metadata": {"labels": {"app": key.name}}, "spec": {"containers": [{"image": "app", "env": env}]}}
    metadata = {"name": key.name, "namespace": key.namespace}
    return {"metadata": metadata, "spec": {"replicas": 2, "template": template}}


def _service(key: ObjectKey, selects: str) -> Manifest:
    return {"metadata": {"name": key.name, "namespace": key.namespace}, "spec": {"selector": {"app": selects}}}


def _route(canary: int) -> Manifest:
    route = [
        {"destination": {"host": "app-primary"}, "weight": 100 - canary},
        {"destination": {"host": "app-canary"}, "weight": canary},
    ]
    return {"metadata": {"name": APP.name, "namespace": APP.namespace}, "spec": {"http": [{"route": route}]}}


def _ask(ground: Ground, what: str) -> Outcome:
    query = f"sum({what.replace('NAME', 'istio_requests_total')})"
    return asyncio.run(ground.prometheus.measure(query, ground.clock.now()))


def _rate(more: str) -> str:
    return f'rate(NAME{{reporter="destination",{more}}}[{LOOK_BACK_S}s])'


def _played(tmp_path: Path, canary: int, *, ends: bool = False) -> Ground:
    """Some time of traffic along a route; then the canary's pods go, or not."""
    clock = VirtualClock()

    async def whole() -> Ground:
        ground = Ground(clock, tmp_path, 0)
        for key, version, error_rate in ((APP, "2", "0.5"), (PRIMARY, "1", "0")):
            ground.server.put(DEPLOYMENTS, _workload(key, version, error_rate))
        for name, selects in (("app-primary", "app-primary"), ("app-canary", "app")):
            ground.server.put(SERVICES, _service(ObjectKey("shop", name), selects))
        ground.pods.start()
        async with asyncio.TaskGroup() as tasks:
            scraping = tasks.create_task(ground.flows.scrape())
            await asyncio.sleep(5)
            ground.server.put(VIRTUAL_SERVICES, _route(canary))
            await asyncio.sleep(60)
            if ends:
                ground.server.edit(DEPLOYMENTS, APP, {"spec": {"replicas": 0}})
                await asyncio.sleep(10)
            scraping.cancel()
        return ground

    return run_virtually(clock, whole())


def _number(outcome: Outcome) -> float:
    assert isinstance(outcome, Value), outcome
    return outcome.number


def test_counters_grow_by_the_weight_that_is_in_force(tmp_path: Path) -> None:
    """At 20 % the canary's pods count a fifth of the requests, and of a bad version half are failures."""
    ground = _played(tmp_path, 20)
    canary = _number(_ask(ground, _rate('destination_workload="app"')))
    assert canary == pytest.approx(RPS / 5, rel=0.03)
    assert _number(_ask(ground, _rate('destination_workload="app-primary"'))) == pytest.approx(4 * RPS / 5, rel=0.03)
    failed = _number(_ask(ground, _rate('destination_workload="app",response_code="500"')))
    assert failed == pytest.approx(canary / 2, rel=0.05)


def test_pods_without_requests_are_scraped_and_gone_ones_are_not(tmp_path: Path) -> None:
    """At weight 0 the canary has counted nothing; one that is gone has no series, and callers see its requests fail."""
    assert isinstance(_ask(_played(tmp_path, 0), _rate('destination_workload="app"')), NoData)
    gone = _played(tmp_path, 20, ends=True)
    assert isinstance(_ask(gone, 'NAME{reporter="destination",destination_workload="app"}'), NoData)
    lost = 'irate(NAME{reporter="source",destination_workload="unknown",response_code="503"}[30s])'
    assert _number(_ask(gone, lost)) == pytest.approx(RPS / 5, rel=0.3)


async def test_the_double_answers_as_prometheus_does() -> None:
    """The shipped source gets over HTTP what the small Prometheus says, and the query is counted there."""
    played = PlayedPrometheus()
    async with answering(played) as url:
        source = PrometheusSource(url)
        try:
            at = datetime(2026, 1, 2, 12, tzinfo=UTC)
            assert await source.measure("vector(1) * 41.5", at) == Value(41.5)
            assert played.asked == [("vector(1) * 41.5", at)]
        finally:
            await source.aclose()


async def test_a_process_tells_its_processor_and_memory() -> None:
    """What a child burns and holds is read from the kernel."""
    burns = "x = bytearray(80_000_000)\nfor i in range(3_000_000): pass\nprint('done', flush=True)\ninput()"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", burns, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    await process.stdout.readline()
    program = Program(process, 0.0)
    assert program.peak_bytes >= program.memory_bytes >= 80_000_000
    assert 0.01 <= program.cpu_s < 60
    await program.end()
    assert process.returncode is not None
