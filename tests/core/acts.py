"""What somebody may do to a world: named, so that a failing walk reads as a story."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from rollouts.api.canary import CanarySpec
from rollouts.core.observed import Hold
from rollouts.core.routing import Routing
from tests.core.given import at
from tests.core.world import World


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that happens: a verb of VERBS, or the name of a signal and its value from now on."""

    verb: str
    value: Any = None

    def __call__(self, world: World) -> None:
        """Do it."""
        if self.verb in VERBS:
            VERBS[self.verb](world, self.value)
        else:
            setattr(world.signals, self.verb, self.value)


def _delete(world: World, what: str) -> None:
    setattr(world, what, None)


def _lose(world: World, what: str, *, lost: bool) -> None:
    workload = getattr(world, what)
    if workload is not None:
        workload.lost = lost


def _give_up(world: World, what: str) -> None:
    workload = getattr(world, what)
    if workload is not None:
        workload.given_up = True


def _scale(world: World, replicas: int) -> None:
    if world.target is not None:
        world.target.scale(replicas, world.now, 3.0)


def _ask(world: World, asked: tuple[str, str | dict[str, Any]]) -> None:
    """As it stands; or what is asked for, under an id of its own."""
    verb, text = asked
    world.annotations[verb] = text if isinstance(text, str) else json.dumps({"id": f"at {world.now:g}"} | text)


def _edit_spec(world: World, spec: CanarySpec) -> None:
    world.spec, world.generation = spec, world.generation + 1


def _answer(world: World, answered: tuple[int, str]) -> None:
    """One of the hooks that the spec has answers so from now on."""
    place, answer = answered
    hooks = world.spec.analysis.webhooks
    if hooks:
        world.signals.hooks[hooks[place % len(hooks)].name] = answer


HOLDS = MappingProxyType(
    {
        "window": Hold("OutsideWindow", "no release window is open", steps=True),
        "start": Hold("Frozen", "releases are frozen"),
        "turn": Hold("Queued", "1 release goes on already", queued=True),
    }
)


def _hold(world: World, held: tuple[tuple[str, ...], float | None]) -> None:
    """By these, for so many seconds or until somebody says otherwise."""
    names, lasts_s = held
    until = None if lasts_s is None else at(world.now + lasts_s)
    world.holds = tuple(replace(HOLDS[name], until=until) for name in names)


VERBS: MappingProxyType[str, Callable[[World, Any], None]] = MappingProxyType(
    {
        "apply": World.apply,
        "controller": lambda world, up: world.restart(up=up),
        "delete": _delete,
        "lose": lambda world, what: _lose(world, what, lost=True),
        "find": lambda world, what: _lose(world, what, lost=False),
        "give up": _give_up,
        "scale": _scale,
        "ask": _ask,
        "spec": _edit_spec,
        "routes": lambda world, weight: setattr(world, "route", Routing(weight)),
        "blocked": lambda world, problem: setattr(world, "problem", problem),
        "leave": lambda world, _: setattr(world, "deleting", True),
        "refused": lambda world, refused: setattr(world, "refused", refused),
        "hook": _answer,
        "hold": _hold,
        "receivers": lambda world, up: setattr(world, "receiving", up),
    }
)


def mend(world: World) -> None:
    """Everything outside works from now on; what was deleted is applied again as it was promoted."""
    good: dict[str, Any] = {
        "controller": True, "blocked": None, "refused": False, "find": "target", "metrics_down": "",
        "rights_missing": "", "success_rate": 100.0, "duration_ms": 20.0, "canary_rps": 5.0, "stable_rps": 500.0,
        "tested": True, "hooks": {}, "receivers": True, "hold": ((), None),
    }  # fmt: skip
    for verb, value in [*good.items(), ("find", "primary")]:
        Act(verb, value)(world)
    world.ready_after, world.copy_ready_after = {}, {}
    for workload in filter(None, (world.target, world.primary)):
        workload.ready_at = min(workload.ready_at, world.now + 3.0)
        workload.given_up = False
    if world.target is None or world.primary is None:
        # Without a primary only the promoted revision can be copied at once; what else is applied must be proven first.
        world.apply(world.status.last_promoted_spec)
