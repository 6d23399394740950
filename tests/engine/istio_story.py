"""One story about the user's VirtualServices, as YAML tells it, carried out by the real engine on a cluster in memory.

`canary` and `analysis` are laid over a Canary of the Deployment `app`, or with `subsets` over one of `app-v1` and
`app-v2`; a field that is null is left out. `virtual services` are the user's, by name. The Canary is at rest at first.
A step does one thing (`release` an image, `measure` a success rate of the canary, `ask` for an action, `delete` the
Canary, `apply` a VirtualService again), goes on `until` a weight, `copies` or a phase, and then says what is so.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from rollouts.api.resources import CANARIES, DEPLOYMENTS, SERVICES, VIRTUAL_SERVICES, Manifest, ObjectKey, Resource
from rollouts.api.status import Phase
from rollouts.core.measurement import Signal, Value
from tests.engine.swap_world import V2, Swap, swap_canary, version
from tests.engine.world import KEY, NAMESPACE, SUCCESS_RATE, World, canary_manifest

AS_WRITTEN = "as written"
_RESTS = frozenset({Phase.INITIALIZED, Phase.SUCCEEDED, Phase.FAILED})


class IstioStory:
    """What is told, and the world in which it happens."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self._told = told
        self._written = {
            name: _virtual_service(name, spec) for name, spec in (told.get("virtual services") or {}).items()
        }
        self._swap: Swap | None = None
        self.world = self._begin()
        self.happened: list[str] = []
        """Since it was last looked at: what routes give the two sides, and how many pods the workloads are to have."""
        self._last: dict[str, str] = {}
        heard = self.world.cluster.on_change

        def note(resource: Resource, key: ObjectKey) -> None:
            heard(resource, key)
            self._note(resource, key)

        self.world.cluster.on_change = note

    async def begin(self) -> None:
        """The Canary comes to rest."""
        await self.world.initialize()
        self.happened.clear()

    async def take(self, step: Mapping[str, Any]) -> None:
        """Do it, and let things happen until what the step says."""
        world, cluster = self.world, self.world.cluster
        for what, how in step.items():
            match what:
                case "release":
                    self._release(how)
                case "measure":
                    self._measure(Value(float(how)))
                case "ask":
                    annotations = {f"actions.rollouts.dev/{how}": f"{how}-1"}
                    cluster.edit(CANARIES, KEY, {"metadata": {"annotations": annotations}})
                case "apply":
                    cluster.edit(VIRTUAL_SERVICES, ObjectKey(NAMESPACE, how), {"spec": self._written[how]["spec"]})
                case "delete":
                    cluster.delete(CANARIES, KEY)
                case _:
                    assert what in {"until", "then", "happened"}, what
        await self._go_on(str(step["until"]))
        if "happened" in step:
            assert self.happened == step["happened"], self.happened
        self.happened.clear()
        for place, expected in step["then"].items():
            found = self._found(world, place, expected)
            assert found == expected, f"{place}: {found}"

    async def _go_on(self, until: str) -> None:
        world = self.world
        if until == "gone":
            await world.run_until(lambda: world.cluster.stored(CANARIES, KEY) is None)
        elif until == "copies":
            await world.run_until(lambda: world.status.mirrored and "copied" in " ".join(self._last.values()))
        elif weight := re.fullmatch(r"(\d+) %", until):
            await world.run_until(lambda: world.weight == int(weight[1]) and world.status.phase not in _RESTS)
        else:
            phase = Phase(until)
            await world.run_until_phase(phase)
            if phase in _RESTS:
                await world.run_until_quiet()
            assert world.status.phase is phase

    def _found(self, world: World, place: str, expected: Any) -> Any:
        kind, _, name = place.rpartition(" ")
        if kind == "pods of":
            return world.get(DEPLOYMENTS, ObjectKey(NAMESPACE, name))["spec"]["replicas"]
        if kind == "image of":
            return world.image(ObjectKey(NAMESPACE, name))
        if kind == "selector of":
            return world.get(SERVICES, ObjectKey(NAMESPACE, name))["spec"]["selector"]
        found = world.get(VIRTUAL_SERVICES, ObjectKey(NAMESPACE, name))
        if expected == AS_WRITTEN:
            return AS_WRITTEN if _told(found) == _told(self._written[name]) else found
        session = world.status.session if world.cluster.stored(CANARIES, KEY) is not None else ""
        return {key: _without_session(found["spec"].get(key), session) for key in expected}

    def _begin(self) -> World:
        told, routes = self._told, list(self._written.values())
        canary = copy.deepcopy(swap_canary() if told.get("subsets") else canary_manifest())
        analysis = canary["spec"]["analysis"] | told.get("analysis", {})
        canary["spec"] |= told.get("canary", {})
        canary["spec"]["analysis"] = {name: value for name, value in analysis.items() if value is not None}
        others: list[tuple[Resource, Manifest]] = [(SERVICES, one) for one in told.get("services", ())]
        if told.get("subsets"):
            self._swap = Swap.begin(routes[0], canary)
            return self._swap.world
        return World(canary=canary, others=[*others, *((VIRTUAL_SERVICES, one) for one in routes)])

    def _release(self, image: str) -> None:
        if self._swap is None:
            self.world.release(image)
        else:
            self.world.cluster.edit(DEPLOYMENTS, V2, {"spec": {"template": version(V2, image)["spec"]["template"]}})

    def _measure(self, value: Value) -> None:
        if self._swap is None:
            self.world.metrics.set(SUCCESS_RATE, value)
        else:
            self._swap.measure(V2.name, Signal.SUCCESS_RATE, value)

    def _note(self, resource: Resource, key: ObjectKey) -> None:
        found = self.world.cluster.stored(resource, key)
        if found is None or resource not in {VIRTUAL_SERVICES, DEPLOYMENTS}:
            return
        line = f"{key.name}: {found['spec'].get('replicas')} pods" if resource == DEPLOYMENTS else _shares(found)
        if self._last.get(f"{resource} {key}") != line:
            self._last[f"{resource} {key}"] = line
            self.happened.append(line)


def _virtual_service(name: str, spec: Manifest) -> Manifest:
    header = {"apiVersion": VIRTUAL_SERVICES.api_version, "kind": VIRTUAL_SERVICES.kind}
    return {**header, "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}


def _told(manifest: Manifest) -> Manifest:
    """What its user sees of it."""
    metadata = {name: manifest["metadata"].get(name) for name in ("name", "namespace", "annotations", "labels")}
    return {"metadata": metadata, "spec": manifest["spec"]}


def _shares(virtual_service: Manifest) -> str:
    """Each rule that leads to one of the sides, with what it gives them and whether it copies."""
    spec, told = virtual_service["spec"], []
    for section in ("http", "tls", "tcp"):
        for rule in spec.get(section) or ():
            routes = [(_side(one["destination"]), one.get("weight", "")) for one in rule.get("route") or ()]
            if any(side for side, _ in routes):
                words = ", ".join(f"{side} {weight}".strip() for side, weight in routes if side)
                copies = " copied" if "mirrors" in rule or "mirror" in rule else ""
                told.append(f"{rule.get('name', section)} {words}{copies}")
    return f"{virtual_service['metadata']['name']}: {'; '.join(told)}"


def _side(destination: Manifest) -> str:
    host = str(destination.get("host", "")).split(".", maxsplit=1)[0]
    return str(destination.get("subset") or (host if host in {"app", "app-primary", "app-canary"} else ""))


def _without_session(value: Any, session: str) -> Any:
    """With the value of the cookie, which is drawn by chance, as a word."""
    if isinstance(value, dict):
        return {key: _without_session(one, session) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_session(one, session) for one in value]
    return value.replace(session, "SESSION") if session and isinstance(value, str) else value
