"""What a seed means: the Canaries, the versions, who does what when, and how rude the outside is. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from rollouts.api.resources import CANARIES, Manifest
from rollouts.testing.metrics import Health

NAMESPACE = "shop"
GOOD, BAD, SLOW, SILENT, STUCK = "good", "bad", "slow", "silent", "stuck"
HEALTH = {
    GOOD: Health.HEALTHY, BAD: Health.FAILING, SLOW: Health.SLOW, SILENT: Health.ABSENT, STUCK: Health.HEALTHY,
}  # fmt: skip
CALM_AT_S = 240.0
"""From then on nothing goes wrong any more."""
LAST_HAPPENING_S = 230.0
FIRST_HAPPENING_S = 12.0


@dataclass(frozen=True, slots=True)
class CanaryPlan:
    """One Canary and its Deployment."""

    name: str
    analysis: Manifest
    steps: tuple[int, ...]
    interval_s: float
    threshold: int
    deadline_s: int
    replicas: int
    startup_s: float
    watches_duration: bool

    def manifest(self) -> Manifest:
        """The Canary as its user applies it."""
        spec = {
            "targetRef": {"name": self.name},
            "progressDeadlineSeconds": self.deadline_s,
            "service": {"port": 80, "targetPort": 8080},
            "analysis": self.analysis,
        }
        metadata = {"name": self.name, "namespace": NAMESPACE}
        return {"apiVersion": CANARIES.api_version, "kind": CANARIES.kind, "metadata": metadata, "spec": spec}

    def deployment(self, image: str) -> Manifest:
        """The Deployment as its user applies it."""
        labels = {"app": self.name}
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": self.name, "namespace": NAMESPACE, "labels": labels},
            "spec": {
                "replicas": self.replicas, "selector": {"matchLabels": labels}, "template": template(self.name, image),
            },
        }  # fmt: skip

    def passes(self, kind: str) -> bool:
        """Whether a version of that kind is to be promoted."""
        return kind == GOOD or (kind == SLOW and not self.watches_duration)


@dataclass(frozen=True, slots=True)
class Happening:
    """Somebody does something to one Canary (or to a process), at a second of the run."""

    at_s: float
    what: str
    index: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Rudeness:
    """How the outside behaves until the calm."""

    fault_chance: float = 0.0
    latency_max_s: float = 0.05
    delay_max_s: float = 0.05
    drop_chance: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a seed decides beforehand."""

    seed: int
    canaries: tuple[CanaryPlan, ...]
    skews_s: tuple[float, ...]
    """The clock of each controller process against the server's."""
    happenings: tuple[Happening, ...]
    rudeness: Rudeness
    finals: tuple[str, ...]
    """The kind of version that each Canary is given in the calm."""
    calm_at_s: float = CALM_AT_S


def template(name: str, image: str) -> Manifest:
    """The pods of a Deployment."""
    return {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "app", "image": image}]}}


def image(name: str, kind: str, number: int) -> str:
    """Names say what a version is like."""
    return f"{name}:{kind}-{number}"


def kind_of(name: str) -> str:
    """What an image is like."""
    return name.partition(":")[2].partition("-")[0]


def draw(seed: int) -> Plan:
    """The same seed is the same plan."""
    random = Random(seed)
    canaries = tuple(_canary(random, f"app{index}") for index in range(random.choice((1, 1, 2, 3))))
    skews = tuple(round(random.uniform(-1.0, 1.0), 3) for _ in range(random.choice((1, 1, 2))))
    rudeness = Rudeness(
        fault_chance=random.choice((0.0, 0.02, 0.05, 0.15)),
        latency_max_s=random.choice((0.01, 0.05, 0.5)),
        delay_max_s=random.choice((0.01, 0.2, 1.0, 4.0)),
        drop_chance=random.choice((0.0, 0.02, 0.2)),
    )
    happenings = [done for index in range(len(canaries)) for done in _story(random, index)]
    happenings += _trouble(random, len(canaries), len(skews))
    finals = tuple(random.choice((GOOD, GOOD, GOOD, BAD, SLOW, SILENT, STUCK)) for _ in canaries)
    return Plan(seed, canaries, skews, tuple(sorted(happenings, key=_when)), rudeness, finals)


def _when(happening: Happening) -> tuple[float, int, str]:
    return happening.at_s, happening.index, happening.what


def _canary(random: Random, name: str) -> CanaryPlan:
    interval_s = random.choice((5, 10, 15, 30))
    duration = random.random() < 0.5
    metrics: list[Manifest] = [{"name": "request-success-rate", "interval": "10s", "thresholdRange": {"min": 99}}]
    if duration:
        metrics.append({"name": "request-duration", "interval": "10s", "thresholdRange": {"max": 500}})
    schedule, steps = _schedule(random)
    threshold = random.choice((1, 1, 2, 3))
    analysis = {"interval": f"{interval_s}s", "threshold": threshold, "metrics": metrics, **schedule}
    return CanaryPlan(
        name, analysis, steps, float(interval_s), threshold,
        deadline_s=random.choice((40, 60, 120)), replicas=random.choice((1, 2, 4)),
        startup_s=random.choice((0.5, 3.0, 8.0)), watches_duration=duration,
    )  # fmt: skip


def _schedule(random: Random) -> tuple[dict[str, Any], tuple[int, ...]]:
    if random.random() < 0.5:
        steps = tuple(sorted(random.sample(range(1, 101), random.randint(1, 4))))
        return {"stepWeights": list(steps)}, steps
    step, most = random.choice((20, 30, 40)), random.choice((50, 60, 100))
    return {"stepWeight": step, "maxWeight": most}, (*range(step, most, step), most)


def _story(random: Random, index: int) -> list[Happening]:
    """What the user of one Canary does."""
    at_s, told = random.uniform(FIRST_HAPPENING_S, 60.0), []
    while at_s < LAST_HAPPENING_S:
        what = random.choices(("release", "revert", "action", "delete target"), (8, 1, 2, 0.7))[0]
        detail = ""
        if what == "release":
            detail = random.choices((GOOD, BAD, SLOW, SILENT, STUCK), (6, 3, 1, 1, 1))[0]
        if what == "action":
            detail = random.choice(("pause", "resume", "promote", "full", "abort", "retry"))
        told.append(Happening(round(at_s, 3), what, index, detail))
        if what == "delete target":
            back_s = min(at_s + random.uniform(0.1, 30.0), LAST_HAPPENING_S)
            told.append(Happening(round(back_s, 3), "create target", index))
        at_s += random.choice((3.0, 20.0, 60.0, 120.0)) * random.uniform(0.5, 1.5)
    return told


def _trouble(random: Random, canaries: int, processes: int) -> list[Happening]:
    """What goes wrong by itself."""
    kinds: tuple[tuple[str, Callable[[], str]], ...] = (
        ("kill pods", lambda: random.choice(("canary", "primary", "all of canary"))),
        ("edit weight", lambda: str(random.choice((0, 10, 50, 100)))),
        ("delete ours", lambda: random.choice(("route", "service", "host"))),
        ("restart", str),
        ("outage", lambda: str(random.choice((5, 20, 60)))),
    )
    told = []
    for _ in range(random.choice((0, 1, 3, 6))):
        what, detail = random.choice(kinds)
        at_s = round(random.uniform(FIRST_HAPPENING_S, LAST_HAPPENING_S - 60.0), 3)
        told.append(Happening(at_s, what, random.randrange(processes if what == "restart" else canaries), detail()))
    return told


def one_release(kind: str) -> Plan:
    """One Canary, one process, nothing that goes wrong, one version of that kind."""
    metrics: list[Manifest] = [
        {"name": "request-success-rate", "interval": "10s", "thresholdRange": {"min": 99}},
        {"name": "request-duration", "interval": "10s", "thresholdRange": {"max": 500}},
    ]
    analysis = {"interval": "10s", "threshold": 1, "metrics": metrics, "stepWeights": [20, 50]}
    canary = CanaryPlan(
        "app0", analysis, (20, 50), 10.0, 1, deadline_s=60, replicas=2, startup_s=3.0, watches_duration=True
    )
    return Plan(0, (canary,), (0.0,), (), Rudeness(), (kind,), calm_at_s=1.0)
