"""Plans that are not drawn: a release of each strategy in a polite world, and worlds in which one thing happens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rollouts.api.resources import Manifest
from tests.sim.analyses import AFFINITY, MATCH, analysis_of, hook_of
from tests.sim.meaning import (
    CONFIRM_INCREASE,
    CONFIRM_PROMOTION,
    CONFIRM_ROLLOUT,
    EVENT,
    GATES,
    POST_ROLLOUT,
    PRE_ROLLOUT,
    ROLLBACK,
    ROLLOUT,
)
from tests.sim.plan import BAD, GOOD, STUCK, CanaryPlan, Happening, Plan, Rudeness

ALL = (
    CONFIRM_ROLLOUT, PRE_ROLLOUT, ROLLOUT, CONFIRM_INCREASE, CONFIRM_PROMOTION, ROLLBACK, EVENT, POST_ROLLOUT,
)  # fmt: skip
SCHEDULES: dict[str, Manifest] = {
    "weights": {"stepWeights": [20, 50], "stepDwells": ["10s", "25s"], "stepWeightPromotion": 30},
    "blue-green": {"iterations": 2},
    "mirrored": {"stepWeights": [40], "mirror": True, "sessionAffinity": AFFINITY},
    "matched": {"stepWeights": [50, 100], "match": MATCH},
    "ab": {"iterations": 2, "match": MATCH},
    "mirrored-blue-green": {"iterations": 2, "mirror": True, "mirrorWeight": 30},
}
PLAIN: Manifest = {"stepWeights": [20, 50]}


def one_release(kind: str) -> Plan:
    """One Canary, one process, nothing that goes wrong, one version of that kind, and no hooks."""
    return _polite(f"plain-{kind}", _canary(PLAIN, ()), kind)


def with_hooks(strategy: str, kind: str) -> Plan:
    """The same with one strategy, and hooks of every type, which all agree."""
    hooks = [hook_of("app0", one) for one in ALL]
    return _polite(f"{strategy}-{kind}", _canary(SCHEDULES[strategy], hooks), kind)


def cases() -> Iterator[Plan]:
    """Every plan here, each under a name of its own."""
    for kind in (GOOD, BAD):
        yield one_release(kind)
        yield from (with_hooks(strategy, kind) for strategy in SCHEDULES)
    # One of two does the work; that both do would be safe, and cost twice as much.
    yield replace(one_release(GOOD), name="two-in-peace", skews_s=(0.0, 0.0), awaits_max=75)
    ends = replace(_canary(PLAIN, [hook_of("app0", ROLLBACK)]), rolls_back=True)
    yield _polite("rolled-back-by-a-hook", ends, GOOD)
    yield from _gates()
    yield from _approvals()
    yield from _deaths()
    yield from _frozen()
    yield from pairs()
    yield first_version_stuck()
    yield first_version_replaced()


def first_version_stuck() -> Plan:
    """The first version never starts; later its user applies another one."""
    canary = replace(_canary(PLAIN, ()), first=STUCK)
    return _polite("first-version-stuck", canary, GOOD, _told("release good 80"), calm_at_s=120.0)


def first_version_replaced() -> Plan:
    """The first version is good, and one that never starts replaces it before any pod of it is ready."""
    canary = replace(_canary(PLAIN, ()), startup_s=8.0)
    return _polite("first-version-replaced", canary, GOOD, _told("release stuck 0.5"), calm_at_s=60.0)


def drained_and(then: str, *, scaled_at_s: float = 0.0) -> Plan:
    """One release, and what its user does when its canary is scaled down."""
    told = [f"{then} {scaled_at_s + 0.3}", f"create target {scaled_at_s + 20.0}"] if scaled_at_s else []
    name = f"drained-and-{then.replace(' ', '-')}"
    return _polite(name, _canary(PLAIN, ()), GOOD, _told("release good 20", *told), calm_at_s=120.0)


def _gates() -> Iterator[Plan]:
    """Each gate alone, never opened, with each deadline that it can have."""
    for kind in GATES:
        for deadline in ({}, {"deadline": "20s", "onDeadline": "fail"}, {"deadline": "20s", "onDeadline": "advance"}):
            canary = _canary(SCHEDULES["weights"], [hook_of("app0", kind) | deadline])
            yield _polite(f"{kind}-closed-{deadline.get('onDeadline')}", replace(canary, opens=False), GOOD)


def _approvals() -> Iterator[Plan]:
    """Another revision in the moment in which the one before is approved: the world is slow, so it hits in between."""
    for step in range(24):
        canary = replace(_canary(PLAIN, [hook_of("app0", CONFIRM_ROLLOUT)]), opens=False, closed=(CONFIRM_ROLLOUT,))
        told = _told("release good 20", "action approve 30", f"release bad {30 + step / 40}")
        yield _polite(f"approved-too-soon-{step}", canary, GOOD, told, calm_at_s=60.0, latency_max_s=0.5)


def _frozen() -> Iterator[Plan]:
    """All releases are frozen for a while: before this one, or at one of its steps; and somebody overrides it."""
    for second in (15, 22, 30, 45, 60):
        told = ("release good 20", f"policy freeze true {second}", "policy 110")
        yield _polite(f"frozen-{second}", _canary(PLAIN, ()), GOOD, _told(*told), calm_at_s=150.0)
    fixed = _told("policy freeze true 15", "release good 20", "action override 40", "policy 140")
    yield _polite("frozen-and-overridden", _canary(PLAIN, ()), GOOD, fixed, calm_at_s=150.0)


def _deaths() -> Iterator[Plan]:
    """Pods die where they carry requests."""
    for strategy in ("weights", "mirrored", "ab"):
        canary = replace(_canary(SCHEDULES[strategy], (), threshold=3), replicas=1, startup_s=8.0)
        dies = [f"kill pods all of canary {second}" for second in (35, 36, 37)]
        yield _polite(f"{strategy}-canary-dies", canary, GOOD, _told("release good 20", *dies), calm_at_s=90.0)
        dies = [f"kill pods primary {second}" for second in range(34, 80, 2)]
        told = _told("release bad 20", *dies)
        yield _polite(f"{strategy}-primary-dies", canary, GOOD, told, calm_at_s=90.0)


def pairs() -> Iterator[Plan]:
    """Two processes that hear of everything late, and releases that come fast."""
    for seed in range(12):
        told = _told(*(f"release {(GOOD, BAD)[(second + seed) % 2]} {second}" for second in range(20, 180, 17 + seed)))
        schedule = [*SCHEDULES.values()][seed % len(SCHEDULES)]
        plan = _polite(f"pair-{seed}", _canary(schedule, ()), GOOD, told, calm_at_s=200.0)
        rude = Rudeness(latency_max_s=0.2, delay_max_s=4.0, drop_chance=0.2)
        yield replace(plan, seed=seed, skews_s=(0.0, 0.0), rudeness=rude)


def _canary(schedule: Manifest, hooks: Sequence[Manifest], *, threshold: int = 1) -> CanaryPlan:
    analysis = analysis_of(schedule, interval_s=10, threshold=threshold, hooks=hooks)
    return CanaryPlan("app0", analysis, deadline_s=60, replicas=2, startup_s=3.0)


_KNOWN = ("release", "action", "kill pods", "delete target", "create target", "policy")


def _told(*texts: str) -> tuple[Happening, ...]:
    """What happens to app0, each as `what detail second`."""
    told = []
    for text in texts:
        words, _, at_s = text.rpartition(" ")
        what = next(known for known in _KNOWN if words.startswith(known))
        told.append(Happening(float(at_s), what, 0, words.removeprefix(what).strip()))
    return tuple(told)


def _polite(
    name: str,
    canary: CanaryPlan,
    kind: str,
    told: tuple[Happening, ...] = (),
    *,
    calm_at_s: float = 1.0,
    latency_max_s: float = 0.05,
) -> Plan:
    rude = Rudeness(latency_max_s=latency_max_s)
    called = f"python -m tests.sim --case {name} --trace"
    return Plan(0, (canary,), (0.0,), told, rude, (kind,), calm_at_s=calm_at_s, name=name, called=called)
