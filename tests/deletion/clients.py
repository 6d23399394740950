"""Who gets an answer: clients of the Service and clients of the mesh, by routes, Services and the pods that are ready.

A destination with weight has to have a pod, or some requests fail; a Service needs one pod of all that it selects. A
subset that no DestinationRule defines leads to nobody, as in Istio.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from rollouts.api.resources import DEPLOYMENTS, DESTINATION_RULES, SERVICES, VIRTUAL_SERVICES, Manifest, ObjectKey
from rollouts.testing.memory_server import MemoryServer
from rollouts.testing.pods import PodsController

UNDER_WAY_S = 0.1
DRAIN_S = 1.9
"""How long a Deployment has got no requests, at the least, before it is deleted."""
APEX, ROUTE = "clients of the Service", "clients of the mesh"


class Clients:
    """Of the Service and the VirtualService `key`. Looks at the server, and knows nothing of the controller."""

    def __init__(self, server: MemoryServer, pods: PodsController, key: ObjectKey) -> None:
        self._server, self._pods, self._key = server, pods, key

    def served(self) -> Mapping[str, bool]:
        """By kind of client, whether all requests get an answer."""
        return {client: bool(led) and all(map(self._ready, led)) for client, led in self._led().items()}

    def led_to(self) -> Mapping[str, set[str]]:
        """By kind of client, the names of the Deployments that get requests."""
        return {
            client: {key.name for labels in led for key in self._selected(labels)}
            for client, led in self._led().items()
        }

    def reaches(self, name: str) -> bool:
        """Whether the mesh leads requests to a Deployment."""
        return name in self.led_to()[ROUTE]

    def can_answer(self) -> bool:
        """Whether any pod of any Deployment is ready."""
        return any(self._pods.ready_templates(ObjectKey.of(one)) for one in self._server.all_of(DEPLOYMENTS))

    def _led(self) -> dict[str, list[Mapping[str, str] | None]]:
        """Each destination as the labels of its pods; None for one that is not there."""
        apex: list[Mapping[str, str] | None] = [self._selector(self._key.name)]
        route = self._server.stored(VIRTUAL_SERVICES, self._key)
        return {APEX: apex, ROUTE: apex if route is None else [*self._destinations(route)]}

    def _destinations(self, route: Manifest) -> Iterator[Mapping[str, str] | None]:
        for rule in route["spec"]["http"]:
            parts = rule.get("route", [])
            for part in parts:
                if part.get("weight", 100 if len(parts) == 1 else 0):
                    yield self._of_subset(part["destination"])

    def _of_subset(self, destination: Manifest) -> Mapping[str, str] | None:
        selector, wanted = self._selector(destination["host"]), destination.get("subset")
        if selector is None or wanted is None:
            return selector
        subsets = [
            subset for rule in self._server.all_of(DESTINATION_RULES)
            if rule["spec"]["host"] == destination["host"] for subset in rule["spec"].get("subsets", [])
        ]  # fmt: skip
        return next((selector | subset["labels"] for subset in subsets if subset["name"] == wanted), None)

    def _selector(self, service: str) -> dict[str, str] | None:
        found = self._server.stored(SERVICES, ObjectKey(self._key.namespace, service))
        return None if found is None else found["spec"]["selector"]

    def _ready(self, labels: Mapping[str, str] | None) -> bool:
        return any(map(self._pods.ready_templates, self._selected(labels)))

    def _selected(self, labels: Mapping[str, str] | None) -> list[ObjectKey]:
        if not labels:
            return []
        return [
            ObjectKey.of(one) for one in self._server.all_of(DEPLOYMENTS)
            if labels.items() <= one["spec"]["template"]["metadata"]["labels"].items()
        ]  # fmt: skip


class Watch:
    """Sees to it that they are served from now on: always, or (`strict` off) that no write of ours takes it away."""

    def __init__(self, clients: Clients, now: Callable[[], float], *, strict: bool) -> None:
        self.flaws: list[str] = []
        self.lost_at_s = -1.0
        """When somebody deleted a Deployment last: a write that was under way then could not know."""
        self._clients = clients
        self._led_at_s: dict[str, float] = {}
        self._now = now
        self._strict = strict

    def look(self, when: str) -> None:
        """At this instant."""
        for led in self._clients.led_to().values():
            self._led_at_s |= dict.fromkeys(led, self._now())
        for client, served in self._clients.served().items():
            if self._strict and not served:
                self.flaws.append(f"{when}: {client} get no answer, led to {self._clients.led_to()[client]}")

    def removed(self, name: str) -> None:
        """The controller has deleted a Deployment: requests that were under way must have had their time."""
        if self._now() - self._led_at_s.get(name, -DRAIN_S) < DRAIN_S:
            self.flaws.append(f"{name} was deleted while it had requests")

    def writing(self, what: str, write: Callable[[], Manifest]) -> Manifest:
        """Around a write of the controller."""
        before = self._clients.served()
        answer = write()
        if self._now() - self.lost_at_s < UNDER_WAY_S:
            return answer
        for client, served in self._clients.served().items():
            if before[client] and not served:
                self.flaws.append(f"{what} took {client} their answers: led to {self._clients.led_to()[client]}")
        return answer
