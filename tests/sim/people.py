"""Everybody else in the cluster: users who release, revert and delete, operators who meddle, pods that die."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from rollouts.api.actions import PREFIX
from rollouts.api.resources import (
    CANARIES,
    CONFIG_MAPS,
    DESTINATION_RULES,
    SERVICES,
    VIRTUAL_SERVICES,
    Manifest,
    ObjectKey,
    Resource,
)  # fmt: skip
from rollouts.api.status import Phase
from rollouts.engine.policy import POLICY
from rollouts.hooks.answer import Attempt, Silent
from rollouts.testing.hooks import NO, YES, ScriptedHooks
from rollouts.testing.memory_server import MemoryServer
from rollouts.testing.metrics import ScriptedMetrics
from rollouts.testing.pods import PodsController
from tests.sim.ledger import image_of
from tests.sim.meaning import EVENT, GATES, POST_ROLLOUT, PRE_ROLLOUT, ROLLBACK, ROLLOUT
from tests.sim.plan import (
    GOOD,
    NAMESPACE,
    STUCK,
    CanaryPlan,
    Happening,
    hook_url,
    image,
    kind_of,
    template,
)  # fmt: skip
from tests.sim.routes import ours_of, read_route, rules_of
from tests.sim.safety import Safety
from tests.sim.workloads import stored

_OURS: dict[str, tuple[Resource, str]] = {
    "route": (VIRTUAL_SERVICES, ""), "service": (SERVICES, "-primary"), "host": (DESTINATION_RULES, "-canary"),
}  # fmt: skip


_ANSWERS: dict[str, Attempt] = {"yes": YES, "no": NO, "silent": Silent("no answer within 10 s")}


@dataclass(frozen=True, slots=True)
class Scripts:
    """What metric source and receivers answer."""

    metrics: ScriptedMetrics
    hooks: ScriptedHooks


class People:
    """They act at once, and know nothing of what the controller is about."""

    def __init__(
        self,
        server: MemoryServer,
        pods: PodsController,
        outside: Scripts,
        safety: Safety,
        note: Callable[[str], None],
    ) -> None:
        self._server = server
        self._pods = pods
        self._outside = outside
        self._safety = safety
        self._note = note
        self._numbers = count(1)
        self._wanted: dict[str, str] = {}
        self.listeners: list[Callable[[Happening], None]] = []
        """Hear of each happening before it takes place."""

    def do(self, happening: Happening, canary: CanaryPlan) -> None:
        """One thing, to one Canary; nothing where it makes no sense now."""
        self._note(f"people: {happening.what} {canary.name} {happening.detail}")
        for listen in self.listeners:
            listen(happening)
        match happening.what:
            case "release":
                self.release(canary, happening.detail)
            case "revert":
                self._run(canary, image_of(self._deployment(f"{canary.name}-primary")))
            case "action":
                self._ask(canary, happening.detail)
            case "delete canary":
                self._server.delete(CANARIES, ObjectKey(NAMESPACE, canary.name))
            case "delete target":
                self._delete_target(canary)
            case "create target":
                self._create_target(canary)
            case "hook":
                kind, answer = happening.detail.split()
                self.answer(canary, kind, answer)
            case "edit":
                self._edit_spec(canary, happening.detail)
            case _:
                self._go_wrong(happening, canary)

    def _go_wrong(self, happening: Happening, canary: CanaryPlan) -> None:
        """What nobody meant to do to a release."""
        match happening.what:
            case "kill pods":
                self._kill(canary, happening.detail)
            case "edit weight":
                self._edit_weight(canary, int(happening.detail))
            case "edit route":
                self._edit_route(canary, happening.detail)
            case "policy":
                self.set_policy(happening.detail)
            case "delete ours":
                self._delete_ours(canary, happening.detail)
            case _:
                metrics = self._outside.metrics
                metrics.outage = not metrics.outage
                self._disturb(canary, "outage")

    def release(self, canary: CanaryPlan, kind: str) -> None:
        """A version that nobody has seen before."""
        self._run(canary, image(canary.name, kind, next(self._numbers)))

    def set_policy(self, detail: str) -> None:
        """A key of ConfigMap rollouts-policy and its value, or nothing: then it is deleted."""
        key, _, value = detail.partition(" ")
        if detail:
            metadata = {"name": POLICY.name, "namespace": POLICY.namespace}
            self._server.put(
                CONFIG_MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {key: value}}
            )
        elif self._server.stored(CONFIG_MAPS, POLICY) is not None:
            self._server.delete(CONFIG_MAPS, POLICY)

    def settle_in(self, canary: CanaryPlan) -> None:
        """What the receivers answer at first."""
        for kind in (*GATES, PRE_ROLLOUT, ROLLOUT, ROLLBACK, EVENT, POST_ROLLOUT):
            self.answer(canary, kind, "no" if kind == ROLLBACK or kind in canary.closed else "yes")

    def make_good(self, canary: CanaryPlan) -> None:
        """The calm begins: what was taken away comes back, and hooks answer as they will to the end."""
        self._outside.metrics.outage = False
        self.set_policy("")
        for kind in (*GATES, PRE_ROLLOUT, ROLLOUT, ROLLBACK, EVENT, POST_ROLLOUT):
            closed = kind == ROLLBACK or (kind in GATES and not canary.opens)
            self.answer(canary, kind, "no" if closed else "yes")
        self._create_target(canary)
        self._edit_spec(canary, "go on")
        self._ask(canary, "resume")
        # The first version never starts: from the beginning, or since another one came before any pod was ready.
        first = image_of(stored(self._server, canary.name))
        fresh = self._safety.ledgers[canary.name].status.phase in {None, Phase.INITIALIZING}
        if fresh and (canary.first != GOOD or kind_of(first) == STUCK):
            self.release(canary, GOOD)

    def last_release(self, canary: CanaryPlan, kind: str) -> None:
        """What all is to end with."""
        if canary.rolls_back and not self._safety.ledgers[canary.name].meaning.skips:
            self.answer(canary, ROLLBACK, "yes")
        self.release(canary, kind)

    def open_gate(self, canary: CanaryPlan) -> None:
        """Approve what waits for a person, where gates are opened."""
        gate = self._safety.ledgers[canary.name].status.gate
        if canary.opens and gate is not None and not gate.approved:
            self._ask(canary, "approve")

    def answer(self, canary: CanaryPlan, kind: str, answer: str) -> None:
        """From now on those hooks answer so."""
        self._outside.hooks.script(hook_url(canary.name, kind), _ANSWERS[answer])

    def _run(self, canary: CanaryPlan, image_name: str) -> None:
        target = self._deployment(canary.name)
        if target is None or not image_name:
            return
        self._wanted[canary.name] = image_name
        self._note(f"people: {canary.name} is to run {image_name}")
        patch = {"spec": {"template": template(canary.name, image_name)}}
        self._server.edit(canary.workloads, ObjectKey(NAMESPACE, canary.name), patch)

    def _ask(self, canary: CanaryPlan, what: str) -> None:
        verb, _, weight = what.partition(" ")
        asked = {"id": str(next(self._numbers)), "full": verb == "full"} | ({"weight": int(weight)} if weight else {})
        name = "promote" if verb == "full" else verb
        self._edit(canary, {"metadata": {"annotations": {PREFIX + name: json.dumps(asked)}}})
        if verb in {"abort", "retry", "undo", "reject"}:
            self._disturb(canary, verb)

    def _edit(self, canary: CanaryPlan, patch: Manifest) -> None:
        if self._server.stored(CANARIES, ObjectKey(NAMESPACE, canary.name)) is not None:
            self._server.edit(CANARIES, ObjectKey(NAMESPACE, canary.name), patch)

    def _edit_spec(self, canary: CanaryPlan, how: str) -> None:
        key = ObjectKey(NAMESPACE, canary.name)
        changes: dict[str, Manifest] = {
            "skip": {"skipAnalysis": True}, "judge": {"skipAnalysis": False},
            "suspend": {"suspend": True}, "go on": {"suspend": False},
        }  # fmt: skip
        if how.startswith("variant"):
            wanted = canary.variants[int(how.split()[1])]
            known = (self._server.stored(CANARIES, key) or {"spec": canary.manifest()["spec"]})["spec"]["analysis"]
            changes[how] = {"analysis": {name: None for name in known if name not in wanted} | wanted}
        self._edit(canary, {"spec": changes[how]})
        self._disturb(canary, how)

    def _delete_target(self, canary: CanaryPlan) -> None:
        if self._deployment(canary.name) is not None:
            self._server.delete(canary.workloads, ObjectKey(NAMESPACE, canary.name))
            self._disturb(canary, "deleted")

    def _create_target(self, canary: CanaryPlan) -> None:
        if self._deployment(canary.name) is None:
            wanted = self._wanted.get(canary.name) or image(canary.name, "good", 0)
            self._server.put(canary.workloads, canary.workload(wanted))
            self._disturb(canary, "deleted")

    def _kill(self, canary: CanaryPlan, which: str) -> None:
        name = f"{canary.name}-primary" if which == "primary" else canary.name
        self._pods.kill(ObjectKey(NAMESPACE, name), max(2, canary.replicas) if which == "all of canary" else 1)
        self._disturb(canary, "pods died")

    def _edit_weight(self, canary: CanaryPlan, weight: int) -> None:
        self._edit_rules(canary, lambda rule: _weighed(rule, canary.name, weight))

    def _edit_route(self, canary: CanaryPlan, how: str) -> None:
        """The parts of a rule that only some strategies have."""
        match how:
            case "mirror":
                mirror = {"mirror": {"host": f"{canary.name}-canary"}, "mirrorPercentage": {"value": 50}}
                self._edit_rules(canary, lambda rule: rule | ({} if "mirror" in rule else mirror))
            case "match":
                self._edit_rules(canary, lambda rule: {key: value for key, value in rule.items() if key != "match"})
            case _:
                self._edit_rules(canary, lambda rule: _with_another(rule, canary.name))

    def _edit_rules(self, canary: CanaryPlan, change: Callable[[Manifest], Manifest]) -> None:
        key = ObjectKey(NAMESPACE, canary.name)
        route = self._server.stored(VIRTUAL_SERVICES, key)
        if route is not None and read_route(route, canary.name) is not None:
            rules = [change(rule) for rule in rules_of(route)]
            self._server.edit(VIRTUAL_SERVICES, key, {"spec": {"http": rules}})

    def _delete_ours(self, canary: CanaryPlan, what: str) -> None:
        resource, suffix = _OURS[what]
        key = ObjectKey(NAMESPACE, canary.name + suffix)
        if self._server.stored(resource, key) is not None:
            self._server.delete(resource, key)

    def _deployment(self, name: str) -> Manifest | None:
        return stored(self._server, name)

    def _disturb(self, canary: CanaryPlan, how: str) -> None:
        self._safety.ledgers[canary.name].disturbed.add(how)


def _weighed(rule: Manifest, name: str, percent: int) -> Manifest:
    ours = sum(ours_of(rule, name) or (0, 100))
    weight = ours * percent // 100
    weights = {f"{name}-primary": ours - weight, f"{name}-canary": weight}
    route = [
        part | {"weight": weights.get(part["destination"]["host"], part.get("weight", 0))} for part in rule["route"]
    ]
    return rule | {"route": route}


def _with_another(rule: Manifest, name: str) -> Manifest:
    """A tenth of the requests for somebody else, unless he is there already."""
    ours = ours_of(rule, name)
    if ours is None or len(rule["route"]) > 2:
        return rule
    canary = ours[1] * 9 // 10
    weights = {f"{name}-primary": 90 - canary, f"{name}-canary": canary}
    route = [part | {"weight": weights[part["destination"]["host"]]} for part in rule["route"]]
    return rule | {"route": [*route, {"destination": {"host": "elsewhere"}, "weight": 10}]}
