"""What a seed means. Pure: the same seed is the same plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from rollouts.api.resources import DAEMON_SETS, DEPLOYMENTS
from tests.sim.analyses import KINDS, analysis_of, draw_hooks, draw_schedule
from tests.sim.meaning import EVENT, GATES, POST_ROLLOUT
from tests.sim.plan import BAD, GOOD, SILENT, SLOW, STUCK, CanaryPlan, Happening, Plan, Rudeness

LAST_HAPPENING_S = 170.0
FIRST_HAPPENING_S = 12.0
VERBS = ("pause", "resume", "promote", "full", "abort", "retry", "undo", "set-weight", "approve", "reject")


def draw(seed: int) -> Plan:
    """Several Canaries, each with its story, and what goes wrong around them."""
    random, watches, kinds = Random(seed), Random(seed + 1_000_000), Random(seed + 2_000_000)
    canaries = tuple(_canary(random, f"app{index}") for index in range(random.choice((1, 1, 1, 2, 3))))
    of = (DEPLOYMENTS, DEPLOYMENTS, DAEMON_SETS)
    canaries = tuple(replace(canary, workloads=kinds.choice(of)) for canary in canaries)
    skews = tuple(round(random.uniform(-1.0, 1.0), 3) for _ in range(random.choice((1, 1, 2))))
    rudeness = Rudeness(
        fault_chance=random.choice((0.0, 0.02, 0.05, 0.15)),
        latency_max_s=random.choice((0.01, 0.05, 0.5)),
        delay_max_s=random.choice((0.01, 0.2, 1.0, 4.0)),
        drop_chance=random.choice((0.0, 0.02, 0.2)),
        cut_chance=watches.choice((0.0, 0.0, 0.02, 0.1)),
        journal=watches.choice((1000, 20, 3)),
    )
    happenings = [done for index in range(len(canaries)) for done in _story(random, index)]
    happenings += _trouble(random, len(canaries), len(skews)) + _policies(Random(seed + 2_000_000), len(canaries))
    finals = tuple(random.choice((GOOD, GOOD, GOOD, BAD, SLOW, SILENT, STUCK)) for _ in canaries)
    return Plan(seed, canaries, skews, tuple(sorted(happenings, key=_when)), rudeness, finals)


def _policies(random: Random, canaries: int) -> list[Happening]:
    """In some worlds all releases are frozen for a while, or few may go on at once; and somebody overrides that."""
    told = []
    for _ in range(random.choice((0, 0, 1, 2))):
        at_s = random.uniform(FIRST_HAPPENING_S, LAST_HAPPENING_S - 20.0)
        told.append(Happening(round(at_s, 3), "policy", 0, random.choice(("freeze true", "maxConcurrent 1"))))
        told.append(_later(random, at_s, Happening(0.0, "policy", 0)))
        if random.random() < 0.4:
            told.append(_later(random, at_s, Happening(0.0, "action", random.randrange(canaries), "override")))
    return told


def _when(happening: Happening) -> tuple[float, int, str]:
    return happening.at_s, happening.index, happening.what


def _canary(random: Random, name: str) -> CanaryPlan:
    interval_s, threshold = random.choice((5, 10, 15, 30)), random.choice((1, 1, 2, 3))
    duration, limit = random.random() < 0.5, random.choice((None, None, 2, 3))
    hooks = draw_hooks(random, name)

    def analysis() -> dict[str, object]:
        drawn = analysis_of(
            draw_schedule(random), interval_s=interval_s, threshold=threshold, hooks=hooks, duration=duration
        )
        return drawn | ({} if limit is None else {"consecutiveErrorLimit": limit})

    return CanaryPlan(
        name, analysis(), variants=(analysis(), analysis()),
        deadline_s=random.choice((40, 60, 120)), replicas=random.choice((1, 2, 4)),
        startup_s=random.choice((0.5, 3.0, 8.0)), first=random.choices((GOOD, STUCK), (9, 1))[0],
        opens=random.random() < 0.7, rolls_back=random.random() < 0.2,
        closed=tuple(kind for kind in GATES if random.random() < 0.4),
    )  # fmt: skip


def _story(random: Random, index: int) -> list[Happening]:
    """What the user of one Canary does."""
    at_s, told = random.uniform(FIRST_HAPPENING_S, 60.0), []
    while at_s < LAST_HAPPENING_S:
        kinds = ("release", "revert", "action", "hook", "edit", "delete target")
        what = random.choices(kinds, (8, 1, 3, 2, 1, 0.7))[0]
        detail = _detail(random, what)
        told.append(Happening(round(at_s, 3), what, index, detail))
        if what == "delete target":
            told.append(_later(random, at_s, Happening(0.0, "create target", index)))
        if detail == "suspend":
            told.append(_later(random, at_s, Happening(0.0, "edit", index, "go on")))
        if detail == "approve" and random.random() < 0.5:
            told.append(Happening(round(at_s + random.uniform(0.0, 0.5), 3), "release", index, BAD))
        at_s += random.choice((3.0, 20.0, 60.0, 120.0)) * random.uniform(0.5, 1.5)
    return told


def _later(random: Random, at_s: float, happening: Happening) -> Happening:
    back_s = min(at_s + random.uniform(0.1, 30.0), LAST_HAPPENING_S)
    return Happening(round(back_s, 3), happening.what, happening.index, happening.detail)


def _detail(random: Random, what: str) -> str:
    match what:
        case "release":
            return random.choices((GOOD, BAD, SLOW, SILENT, STUCK), (6, 3, 1, 1, 1))[0]
        case "action":
            verb = random.choice(VERBS)
            return f"{verb} {random.choice((1, 15, 40, 80, 100))}" if verb == "set-weight" else verb
        case "hook":
            kind = random.choice((*KINDS, EVENT, POST_ROLLOUT))
            return f"{kind} {random.choice(('yes', 'yes', 'no', 'silent'))}"
        case "edit":
            return random.choice(("variant 0", "variant 1", "skip", "judge", "suspend"))
        case _:
            return ""


def _trouble(random: Random, canaries: int, processes: int) -> list[Happening]:
    """What goes wrong by itself."""
    kinds: tuple[tuple[str, Callable[[], str]], ...] = (
        ("kill pods", lambda: random.choice(("canary", "primary", "all of canary"))),
        ("edit weight", lambda: str(random.choice((0, 10, 50, 100)))),
        ("edit route", lambda: random.choice(("mirror", "match", "other"))),
        ("delete ours", lambda: random.choice(("route", "service", "host"))),
        ("restart", str),
        ("outage", lambda: str(random.choice((5, 20, 60)))),
    )
    told = []
    for _ in range(random.choice((0, 1, 3, 6))):
        what, detail = random.choice(kinds)
        at_s = round(random.uniform(FIRST_HAPPENING_S, LAST_HAPPENING_S - 20.0), 3)
        told.append(Happening(at_s, what, random.randrange(processes if what == "restart" else canaries), detail()))
    return told
