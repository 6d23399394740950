"""Analyses that plans are made of: schedules of every strategy, and webhooks of every type. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from rollouts.api.resources import Manifest
from tests.sim.meaning import (
    EVENT,
    GATES,
    POST_ROLLOUT,
    PRE_ROLLOUT,
    ROLLBACK,
    ROLLOUT,
)
from tests.sim.plan import hook_url
from tests.sim.routes import COOKIE, INSIDER

MATCH = [{"headers": {INSIDER[0]: {"exact": INSIDER[1]}}}]
AFFINITY = {"cookieName": COOKIE, "primaryCookieName": "keep", "maxAge": 60}
SUCCESS = {"name": "request-success-rate", "interval": "10s", "thresholdRange": {"min": 99}}
DURATION = {"name": "request-duration", "interval": "10s", "thresholdRange": {"max": 500}}
KINDS = (*GATES, PRE_ROLLOUT, ROLLOUT, ROLLBACK)


def draw_schedule(random: Random) -> Manifest:
    """One strategy: how the canary gets requests, and in which steps."""
    strategies = ("weights", "weights", "weights", "blue-green", "matched", "ab")
    match random.choice(strategies):
        case "weights":
            return _weights(random) | _extras(random)
        case "matched":
            return _weights(random) | {"match": MATCH}
        case "ab":
            return {"iterations": random.choice((1, 2, 4)), "match": MATCH}
        case _:
            mirrored = {"mirror": True, "mirrorWeight": random.choice((100, 30))}
            return {"iterations": random.choice((1, 2, 4))} | (mirrored if random.random() < 0.5 else {})


def _weights(random: Random) -> dict[str, Any]:
    schedule: dict[str, Any]
    if random.random() < 0.5:
        schedule = {"stepWeights": sorted(random.sample(range(1, 101), random.randint(1, 4)))}
    else:
        schedule = {"stepWeight": random.choice((20, 30, 40)), "maxWeight": random.choice((50, 60, 100))}
    if random.random() < 0.25:
        schedule["stepWeightPromotion"] = random.choice((30, 50))
    if random.random() < 0.25:
        schedule["stepDwells"] = random.choice((["40s"], ["25s", "12s"][: len(schedule.get("stepWeights", "12"))]))
    return schedule


def _extras(random: Random) -> Manifest:
    extras: Manifest = {}
    if random.random() < 0.25:
        extras["mirror"] = True
    if random.random() < 0.25:
        extras["sessionAffinity"] = AFFINITY
    return extras


def draw_hooks(random: Random, canary: str) -> list[Manifest]:
    """The webhooks of one Canary, each type seldom; receivers on about half of them."""
    hooks = [_drawn_hook(random, canary, kind) for kind in KINDS if random.random() < 0.2]
    receivers = (EVENT, POST_ROLLOUT) if random.random() < 0.5 else ()
    return [*hooks, *(hook_of(canary, kind) for kind in receivers)]


def _drawn_hook(random: Random, canary: str, kind: str) -> Manifest:
    hook = hook_of(canary, kind, timeout=random.choice(("2s", "10s")), retries=random.choice((0, 0, 1)))
    if kind in GATES:
        deadline = random.choice((None, "20s", "60s"))
        hook |= {} if deadline is None else {"deadline": deadline, "onDeadline": random.choice(("fail", "advance"))}
        if random.random() < 0.2:
            del hook["url"]
    return hook


def hook_of(canary: str, kind: str, *, timeout: str = "10s", retries: int = 0) -> Manifest:
    """One webhook; its name is its type."""
    return {"name": kind, "type": kind, "url": hook_url(canary, kind), "timeout": timeout, "retries": retries}


def analysis_of(
    schedule: Manifest, *, interval_s: int, threshold: int = 1, hooks: Sequence[Manifest] = (), duration: bool = True
) -> Manifest:
    """A whole analysis."""
    metrics = [SUCCESS, DURATION] if duration else [SUCCESS]
    known = {"interval": f"{interval_s}s", "threshold": threshold, "metrics": metrics}
    return known | ({"webhooks": [*hooks]} if hooks else {}) | schedule
