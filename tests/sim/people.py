"""Everybody else in the cluster: users who release, revert and delete, operators who meddle, pods that die."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from rollouts.api.actions import PREFIX
from rollouts.api.resources import (
    CANARIES,
    DEPLOYMENTS,
    DESTINATION_RULES,
    SERVICES,
    VIRTUAL_SERVICES,
    Manifest,
    ObjectKey,
    Resource,
)  # fmt: skip
from rollouts.testing.memory_server import MemoryServer
from rollouts.testing.metrics import ScriptedMetrics
from rollouts.testing.pods import PodsController
from tests.sim.ledger import image_of, weights_of
from tests.sim.plan import NAMESPACE, CanaryPlan, Happening, image, template
from tests.sim.safety import Safety

_OURS: dict[str, tuple[Resource, str]] = {
    "route": (VIRTUAL_SERVICES, ""), "service": (SERVICES, "-primary"), "host": (DESTINATION_RULES, "-canary"),
}  # fmt: skip


class People:
    """They act at once, and know nothing of what the controller is about."""

    def __init__(
        self,
        server: MemoryServer,
        pods: PodsController,
        metrics: ScriptedMetrics,
        safety: Safety,
        note: Callable[[str], None],
    ) -> None:
        self._server = server
        self._pods = pods
        self._metrics = metrics
        self._safety = safety
        self._note = note
        self._numbers = count(1)
        self._wanted: dict[str, str] = {}

    def do(self, happening: Happening, canary: CanaryPlan) -> None:
        """One thing, to one Canary; nothing where it makes no sense now."""
        self._note(f"people: {happening.what} {canary.name} {happening.detail}")
        match happening.what:
            case "release":
                self.release(canary, happening.detail)
            case "revert":
                self._run(canary, image_of(self._deployment(f"{canary.name}-primary")))
            case "action":
                self._ask(canary, happening.detail)
            case "delete target":
                self._delete_target(canary)
            case "create target":
                self._create_target(canary)
            case "kill pods":
                self._kill(canary, happening.detail)
            case "edit weight":
                self._edit_weight(canary, int(happening.detail))
            case "delete ours":
                self._delete_ours(canary, happening.detail)
            case _:
                self._metrics.outage = not self._metrics.outage
                self._disturb(canary, "outage")

    def release(self, canary: CanaryPlan, kind: str) -> None:
        """A version that nobody has seen before."""
        self._run(canary, image(canary.name, kind, next(self._numbers)))

    def make_good(self, canary: CanaryPlan) -> None:
        """The calm begins: what was taken away comes back."""
        self._metrics.outage = False
        self._create_target(canary)
        self._ask(canary, "resume")

    def _run(self, canary: CanaryPlan, image_name: str) -> None:
        target = self._deployment(canary.name)
        if target is None or not image_name:
            return
        self._wanted[canary.name] = image_name
        self._note(f"people: {canary.name} is to run {image_name}")
        patch = {"spec": {"template": template(canary.name, image_name)}}
        self._server.edit(DEPLOYMENTS, ObjectKey(NAMESPACE, canary.name), patch)

    def _ask(self, canary: CanaryPlan, verb: str) -> None:
        number = next(self._numbers)
        text = f'{{"id": "{number}", "full": {"true" if verb == "full" else "false"}}}'
        name = "promote" if verb == "full" else verb
        patch = {"metadata": {"annotations": {PREFIX + name: text}}}
        self._server.edit(CANARIES, ObjectKey(NAMESPACE, canary.name), patch)
        if verb in {"abort", "retry"}:
            self._disturb(canary, verb)

    def _delete_target(self, canary: CanaryPlan) -> None:
        if self._deployment(canary.name) is not None:
            self._server.delete(DEPLOYMENTS, ObjectKey(NAMESPACE, canary.name))
            self._disturb(canary, "deleted")

    def _create_target(self, canary: CanaryPlan) -> None:
        if self._deployment(canary.name) is None:
            wanted = self._wanted.get(canary.name) or image(canary.name, "good", 0)
            self._server.put(DEPLOYMENTS, canary.deployment(wanted))
            self._disturb(canary, "deleted")

    def _kill(self, canary: CanaryPlan, which: str) -> None:
        name = f"{canary.name}-primary" if which == "primary" else canary.name
        self._pods.kill(ObjectKey(NAMESPACE, name), canary.replicas if which == "all of canary" else 1)
        self._disturb(canary, "pods died")

    def _edit_weight(self, canary: CanaryPlan, weight: int) -> None:
        key = ObjectKey(NAMESPACE, canary.name)
        route = self._server.stored(VIRTUAL_SERVICES, key)
        if weights_of(route, canary.name) is None or route is None:
            return
        rules = [_weighed(rule, canary.name, weight) for rule in route["spec"]["http"]]
        self._server.edit(VIRTUAL_SERVICES, key, {"spec": {"http": rules}})

    def _delete_ours(self, canary: CanaryPlan, what: str) -> None:
        resource, suffix = _OURS[what]
        key = ObjectKey(NAMESPACE, canary.name + suffix)
        if self._server.stored(resource, key) is not None:
            self._server.delete(resource, key)

    def _deployment(self, name: str) -> Manifest | None:
        return self._server.stored(DEPLOYMENTS, ObjectKey(NAMESPACE, name))

    def _disturb(self, canary: CanaryPlan, how: str) -> None:
        self._safety.ledgers[canary.name].disturbed.add(how)


def _weighed(rule: Manifest, name: str, weight: int) -> Manifest:
    weights = {f"{name}-primary": 100 - weight, f"{name}-canary": weight}
    route = [part | {"weight": weights[part["destination"]["host"]]} for part in rule["route"]]
    return rule | {"route": route}
