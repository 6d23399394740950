"""Istio's counters as the cluster's own routes make them: each pod's grow by the weight that its side has now.

Requests come at one rate for each VirtualService. Where its weights send them, the pods that are ready there count
them, each version on a pod of its own and from 0; where none is ready, callers alone count a failure. So a share in
force is a real one, and a verdict follows from what was counted. Each target is scraped at its own second.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rollouts.api.resources import DEPLOYMENTS, SERVICES, VIRTUAL_SERVICES, Manifest, ObjectKey
from rollouts.demo.behaviour import behaviour_of
from rollouts.ports import Clock
from rollouts.testing.memory_server import Change, MemoryServer
from rollouts.testing.pods import PodsController
from tests.promql.evaluate import Labels, Past

SCRAPE_S = 2
RPS = 20.0
KEPT_S = 180
BOUNDS_MS = {"25": 0.95, "500": 1.0, "1000": 1.0, "+Inf": 1.0}
"""How many of the requests are below each bound."""
PRIMARY = "-primary"
_CALLERS = ("reporter", "source")
"""What callers count is scraped from them, who are always there."""


def app_of(key: ObjectKey) -> ObjectKey:
    """The Canary that a workload, or a route, goes with."""
    return ObjectKey(key.namespace, key.name.removesuffix(PRIMARY).removesuffix("-canary"))


@dataclass(slots=True)
class Flow:
    """The requests of one route: what each series has counted, and how fast it grows."""

    totals: dict[Labels, float] = field(default_factory=dict)
    rates: Mapping[Labels, float] = field(default_factory=dict)
    until_s: float = 0.0


class Flows:
    """Implements nothing: it writes the `past` that a PlayedPrometheus answers from."""

    def __init__(self, server: MemoryServer, pods: PodsController, clock: Clock) -> None:
        self.past = Past()
        self.rps = RPS
        """Requests a second to each route; a change counts from the next scrape on."""
        self._server, self._pods, self._clock = server, pods, clock
        self._flows: dict[ObjectKey, Flow] = {}
        server.watchers.append(self._heard)

    async def scrape(self) -> None:
        """Scrape each target every SCRAPE_S, until cancelled."""
        second = 0
        while True:
            await asyncio.sleep(1.0)
            second += 1
            for number, key in enumerate([*self._flows]):
                if number % SCRAPE_S == second % SCRAPE_S:
                    self._scrape(key)

    def _heard(self, change: Change) -> None:
        if change.place[0] in {VIRTUAL_SERVICES, DEPLOYMENTS, SERVICES}:
            self._accrue(app_of(change.place[1]))

    def _accrue(self, key: ObjectKey) -> None:
        """Count on to the present at the rates until now; from now on at the present ones."""
        now_s = self._clock.now().timestamp()
        flow = self._flows.setdefault(key, Flow(until_s=now_s))
        for labels, rate in flow.rates.items():
            flow.totals[labels] = flow.totals.get(labels, 0.0) + rate * (now_s - flow.until_s)
        flow.until_s, flow.rates = now_s, dict(self._rates(key))

    def _scrape(self, key: ObjectKey) -> None:
        self._accrue(key)
        flow, at_ms = self._flows[key], round(self._clock.now().timestamp() * 1000)
        ready = {pod_of(workload, one) for workload in _workloads(key) for one in self._pods.ready_templates(workload)}
        for labels, total in flow.totals.items():
            if not labels & ready and _CALLERS not in labels:  # nobody is there to be scraped
                self.past.ended_ms.setdefault(labels, at_ms)
            elif count := math.floor(total):
                self.past.ended_ms.pop(labels, None)
                points = self.past.series.setdefault(labels, [])
                points.append((at_ms, float(count)))
                while points[0][0] < at_ms - KEPT_S * 1000:
                    del points[0]

    def _rates(self, key: ObjectKey) -> Iterator[tuple[Labels, float]]:
        route = self._server.stored(VIRTUAL_SERVICES, key)
        if route is None:
            return
        destinations = route["spec"]["http"][0]["route"]
        whole = sum(one.get("weight", 0) for one in destinations) or 1
        for one in destinations:
            service = one["destination"]["host"].partition(".")[0]
            rps = self.rps * (one.get("weight", 0) / whole if len(destinations) > 1 else 1.0)
            if rps > 0:
                yield from self._at(ObjectKey(key.namespace, service), key, rps)

    def _at(self, service: ObjectKey, key: ObjectKey, rps: float) -> Iterator[tuple[Labels, float]]:
        """What that many requests a second to a Service make grow."""
        known = self._server.stored(SERVICES, service)
        selector = {} if known is None else known["spec"].get("selector") or {}
        ready = [
            (workload, template)
            for workload in _workloads(key)
            for template in self._pods.ready_templates(workload)
            if selector.items() <= template["metadata"]["labels"].items()
        ]
        if not ready:
            of = _of(ObjectKey("unknown", "unknown"), service)
            lost = {"reporter": "source", "response_code": "503", "response_flags": "UH", "pod": "gateway"}
            yield _named("istio_requests_total", of, **lost), rps
        grown: dict[Labels, float] = {}
        for workload, template in ready:
            for labels, rate in _answered(workload, service, template, rps / len(ready)):
                grown[labels] = grown.get(labels, 0.0) + rate
        yield from grown.items()


def _answered(
    workload: ObjectKey, service: ObjectKey, template: Manifest, rps: float
) -> Iterator[tuple[Labels, float]]:
    """By the pods of one version."""
    conduct, of = behaviour_of(template), _of(workload, service) | dict([pod_of(workload, template)])
    for reporter in ("destination", "source"):
        for code, share in (("200", 1 - conduct.error_ratio), ("500", conduct.error_ratio)):
            if share > 0:
                told = {"reporter": reporter, "response_code": code, "response_flags": "-"}
                yield _named("istio_requests_total", of, **told), rps * share
    for bound, share in BOUNDS_MS.items():
        told = {"reporter": "destination", "response_code": "200", "response_flags": "-", "le": bound}
        yield _named("istio_request_duration_milliseconds_bucket", of, **told), rps * share


def pod_of(workload: ObjectKey, template: Manifest) -> tuple[str, str]:
    """The label of the one that counts for all pods of a version."""
    return "pod", f"{workload.name}-{behaviour_of(template).version}"


def _workloads(key: ObjectKey) -> tuple[ObjectKey, ObjectKey]:
    return key, ObjectKey(key.namespace, key.name + PRIMARY)


def _of(workload: ObjectKey, service: ObjectKey) -> dict[str, str]:
    return {
        "destination_workload_namespace": workload.namespace, "destination_workload": workload.name,
        "destination_service_namespace": service.namespace, "destination_service_name": service.name,
    }  # fmt: skip


def _named(name: str, of: Mapping[str, str], **more: str) -> Labels:
    return frozenset({("__name__", name), *of.items(), *more.items()})
