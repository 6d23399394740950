"""Simulated traffic: users' requests, sent along the routes that the cluster has at that moment to pods that are ready.

It reads what a mesh would read (VirtualServices, Services, Deployments and their pods) and changes nothing. Each
VirtualService has users of its own, who call its first host. Not simulated: subsets, redirects, retries, time-outs.
The same seed, routes and ticks make the same requests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random

from rollouts.api.resources import DEPLOYMENTS, SERVICES, VIRTUAL_SERVICES, Manifest, ObjectKey
from rollouts.demo.behaviour import Behaviour, behaviour_of
from rollouts.demo.ledger import Answer, Ledger
from rollouts.demo.matching import takes
from rollouts.demo.users import User, make_users
from rollouts.testing.memory_server import MemoryServer

NO_ROUTE, NO_POD = 404, 503
"""What a proxy answers by itself."""
UNNAMED = "unnamed"
"""The version of pods that tell none."""
ReadyTemplates = Callable[[ObjectKey], list[Manifest]]
"""What each ready pod of a Deployment was made from."""


@dataclass(frozen=True, slots=True)
class Pod:
    """One that serves, and the Deployment it is of."""

    workload: ObjectKey
    behaviour: Behaviour


class Traffic:
    """The users of a cluster, and what they got, in `ledger`."""

    def __init__(self, server: MemoryServer, ready_templates: ReadyTemplates, seed: int = 0) -> None:
        self._server = server
        self._ready_templates = ready_templates
        self._random = Random(seed)
        self._users: dict[ObjectKey, list[User]] = {}
        self._pods: dict[ObjectKey, list[Pod]] = {}
        self.ledger = Ledger()

    def tick(self, at: datetime, requests: int) -> None:
        """That many requests through every VirtualService, all at one instant."""
        self._pods.clear()  # they come and go
        for route in self._server.all_of(VIRTUAL_SERVICES):
            for _ in range(requests):
                self._send(at, ObjectKey.of(route), route)

    def _send(self, at: datetime, key: ObjectKey, route: Manifest) -> None:
        try:
            self._follow(at, key, route)
        except (AttributeError, LookupError, TypeError, ValueError):
            # Nothing checks the shape of Istio's objects here; a proxy would never have been given such a route.
            self.ledger.note(Answer(at, key, NO_ROUTE))

    def _follow(self, at: datetime, key: ObjectKey, route: Manifest) -> None:
        user = self._random.choice(self._users.setdefault(key, make_users()))
        request = user.request(_host(route))
        rule = next((rule for rule in route.get("spec", {}).get("http") or () if takes(rule, request)), None)
        destination = _drawn(rule.get("route") or [], self._random) if rule is not None else None
        if rule is None or destination is None:
            self.ledger.note(Answer(at, key, NO_ROUTE if rule is None or not rule.get("route") else NO_POD))
            return
        self.ledger.note(self._answer(at, key, destination))
        user.note_cookies(destination)
        for mirror, percent in _mirrors(rule):
            if self._random.uniform(0.0, 100.0) < percent:
                self.ledger.note(self._answer(at, key, {"destination": mirror}, copied=True))

    def _answer(self, at: datetime, route: ObjectKey, to: Manifest, *, copied: bool = False) -> Answer:
        service = _service(to.get("destination", {}).get("host", ""), route.namespace)
        pods = self._behind(service)
        if not pods:
            return Answer(at, route, NO_POD, copied=copied, service=service)
        pod = self._random.choice(pods)
        conduct, random = pod.behaviour, self._random
        status, duration_ms = conduct.draw_status(random), conduct.draw_ms(random)
        return Answer(at, route, status, duration_ms, pod.workload, conduct.version or UNNAMED, copied, service)

    def _behind(self, service: ObjectKey) -> list[Pod]:
        """The ready pods that a Service selects."""
        if service not in self._pods:
            found = self._server.stored(SERVICES, service)
            selector = {} if found is None else found.get("spec", {}).get("selector") or {}
            self._pods[service] = self._selected(service.namespace, selector) if selector else []
        return self._pods[service]

    def _selected(self, namespace: str, selector: dict[str, str]) -> list[Pod]:
        deployments = (ObjectKey.of(one) for one in self._server.all_of(DEPLOYMENTS))
        return [
            Pod(key, behaviour_of(template))
            for key in deployments
            if key.namespace == namespace
            for template in self._ready_templates(key)
            if selector.items() <= (template.get("metadata", {}).get("labels") or {}).items()
        ]


def _host(route: Manifest) -> str:
    """What its users call."""
    first: str = next(iter(route.get("spec", {}).get("hosts") or ()), "*")
    return first.replace("*", "example.test", 1) if first.startswith("*") else first


def _service(host: str, namespace: str) -> ObjectKey:
    """The Service that a host means: short in the route's namespace, or with its own."""
    name, _, rest = host.partition(".")
    return ObjectKey(rest.partition(".")[0] or namespace, name)


def _drawn(routes: list[Manifest], random: Random) -> Manifest | None:
    """A destination, by weight; one alone needs none. None where there is nothing to draw from."""
    if len(routes) == 1:
        return routes[0]
    weights = [route.get("weight") or 0 for route in routes]
    at = random.uniform(0.0, sum(weights))
    for route, weight in zip(routes, weights, strict=True):
        at -= weight
        if at < 0:
            return route
    return None


def _mirrors(rule: Manifest) -> list[tuple[Manifest, float]]:
    """Who gets copies, and of how many percent."""
    told = list(rule.get("mirrors") or ())
    if rule.get("mirror"):
        told.append({"destination": rule["mirror"], "percentage": rule.get("mirrorPercentage")})
    return [(one["destination"], (one.get("percentage") or {}).get("value", 100.0)) for one in told]
