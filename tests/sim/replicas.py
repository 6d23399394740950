"""Worlds with several replicas that share the Canaries by Leases: drawn from a seed, or one release and one thing.

Replicas die, are stopped, frozen and cut off from the API server, at any moment. Pure: the same seed is the same plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from rollouts.core.shares import Rule
from tests.sim.cases import one_release
from tests.sim.draw import LAST_HAPPENING_S, draw
from tests.sim.plan import BAD, GOOD, Happening, Plan

AFFLICTIONS = ("stop", "die", "cut", "freeze", "restart")
TIMES_S = (3, 8, 14, 20, 40)
"""Shorter and longer than a Lease lasts."""
STOPPED_MAX_S, SILENT_MAX_S = 3.0, 20.0
"""How long nobody works on a Canary where its replica was asked to end, and where it was not."""
RELEASED_AT_S = 21.0
JOINS_AFTER_S = 17.0
"""How long a replica is away before another comes in its place: its Lease has run out by then."""


def draw_replicas(seed: int) -> Plan:
    """What happens in that seed anyway, with two or three replicas to which something happens."""
    plan, random = draw(seed), Random(seed + 3_000_000)
    skews = tuple(round(random.uniform(-1.0, 1.0), 3) for _ in range(random.choice((2, 2, 3))))
    afflicted = []
    for _ in range(random.choice((1, 3, 6, 10))):
        what, at_s = random.choice(AFFLICTIONS), random.uniform(2.0, LAST_HAPPENING_S - 20.0)
        detail = "" if what == "restart" else str(random.choice(TIMES_S))
        afflicted.append(Happening(round(at_s, 3), what, random.randrange(len(skews)), detail))
    happenings = tuple(sorted((*plan.happenings, *afflicted), key=lambda one: (one.at_s, one.index, one.what)))
    called = f"python -m tests.sim --replicas --first {seed} --seeds 1 --trace"
    sharing = random.choice((*Rule,))
    return replace(plan, skews_s=skews, happenings=happenings, sharing=sharing, called=called)


def one_hand_over(what: str, kind: str, at_s: float, rule: Rule = Rule.LEADER) -> Plan:
    """One release in a polite world, in the midst of which that happens to the replica that works on it."""
    plan, for_s = one_release(kind), 60
    released = Happening(RELEASED_AT_S, "release", 0, kind)
    struck = Happening(round(at_s, 3), what, 0, str(for_s))
    happenings = tuple(sorted((released, struck), key=lambda one: one.at_s))
    return replace(
        plan, name=f"{what}-{kind}-{at_s:g}", skews_s=(0.0, 0.0), happenings=happenings, calm_at_s=120.0, sharing=rule,
        handover_max_s=STOPPED_MAX_S if what == "stop" else SILENT_MAX_S,
    )  # fmt: skip


def stands_by_blindly() -> Plan:
    """The replica that stands by hears nothing for longer than a Lease lasts: the other's seems to have run out."""
    plan = one_hand_over("blind", GOOD, 30.0)
    struck = tuple(replace(one, index=1, detail="30") if one.what == "blind" else one for one in plan.happenings)
    return replace(plan, name="stands-by-blindly", happenings=struck)


def joins(at_s: float, seed: int = 0) -> Plan:
    """A replica comes and gets the Canary by its hash, while the other one is at work on it and requests are slow."""
    plan = one_hand_over("die", GOOD, at_s - JOINS_AFTER_S, Rule.SHARDS)
    struck = tuple(
        replace(one, index=1, detail=str(JOINS_AFTER_S)) if one.what == "die" else one for one in plan.happenings
    )
    return replace(
        plan, name=f"joins-{at_s:g}", happenings=struck, seed=seed, handover_max_s=0.0,
        rudeness=replace(plan.rudeness, latency_max_s=0.4),
    )  # fmt: skip


def hand_overs(every_s: float) -> Iterator[Plan]:
    """Each affliction at many instants of a good and of a bad release."""
    for what in AFFLICTIONS[:-1]:
        for kind in (GOOD, BAD):
            steps = int(60.0 / every_s)
            yield from (one_hand_over(what, kind, RELEASED_AT_S - 1.0 + step * every_s) for step in range(steps))
