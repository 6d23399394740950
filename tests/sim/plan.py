"""What a run is: the Canaries, the versions, who does what when, and how rude the outside is. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from rollouts.api.resources import CANARIES, DAEMON_SETS, DEPLOYMENTS, Manifest, Resource
from rollouts.testing.metrics import Health

NAMESPACE = "shop"
GOOD, BAD, SLOW, SILENT, STUCK = "good", "bad", "slow", "silent", "stuck"
HEALTH = {
    GOOD: Health.HEALTHY, BAD: Health.FAILING, SLOW: Health.SLOW, SILENT: Health.ABSENT, STUCK: Health.HEALTHY,
}  # fmt: skip
CALM_AT_S = 180.0
"""From then on nothing goes wrong any more."""


@dataclass(frozen=True, slots=True)
class CanaryPlan:
    """One Canary and its workload."""

    name: str
    analysis: Manifest
    deadline_s: int
    replicas: int
    startup_s: float
    variants: tuple[Manifest, ...] = ()
    """Other analyses that its user may go over to."""
    first: str = GOOD
    """The kind of the first version."""
    opens: bool = True
    """Whether its gates are opened in the calm."""
    rolls_back: bool = False
    """Whether its rollback hooks ask for the end of the last release."""
    closed: tuple[str, ...] = ()
    """The hooks that refuse at the beginning."""
    workloads: Resource = DEPLOYMENTS
    """The kind of its target; of a DaemonSet, the nodes decide the size."""

    def manifest(self) -> Manifest:
        """The Canary as its user applies it."""
        spec = {
            "targetRef": {"kind": self.workloads.kind, "name": self.name},
            "progressDeadlineSeconds": self.deadline_s,
            "service": {"port": 80, "targetPort": 8080},
            "analysis": self.analysis,
        }
        metadata = {"name": self.name, "namespace": NAMESPACE}
        return {"apiVersion": CANARIES.api_version, "kind": CANARIES.kind, "metadata": metadata, "spec": spec}

    def workload(self, image: str) -> Manifest:
        """The target as its user applies it."""
        labels = {"app": self.name}
        size = {} if self.workloads == DAEMON_SETS else {"replicas": self.replicas}
        return {
            "apiVersion": self.workloads.api_version,
            "kind": self.workloads.kind,
            "metadata": {"name": self.name, "namespace": NAMESPACE, "labels": labels},
            "spec": {
                **size, "selector": {"matchLabels": labels}, "template": template(self.name, image),
            },
        }  # fmt: skip


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
    cut_chance: float = 0.0
    """How probably a change meets a watch that has just ended."""
    journal: int = 1000
    """How many changes the server remembers: a watch that asks for older ones is told 410, and lists again."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is decided beforehand."""

    seed: int
    canaries: tuple[CanaryPlan, ...]
    skews_s: tuple[float, ...]
    """The clock of each controller process against the server's."""
    happenings: tuple[Happening, ...]
    rudeness: Rudeness
    finals: tuple[str, ...]
    """The kind of version that each Canary is given in the calm."""
    calm_at_s: float = CALM_AT_S
    name: str = ""
    """Of one that is not drawn from its seed."""
    called: str = ""
    """What repeats that one."""
    sharing: str = ""
    """The rule by which the processes share the Canaries by Leases; empty where they know nothing of each other."""
    handover_max_s: float = 0.0
    """How long nobody may work on a Canary while a process could; 0 for what the rudeness makes of it."""
    awaits_max: int = 0
    """More writes, measurements and calls are a flaw; 0 for any number."""


def template(name: str, image: str) -> Manifest:
    """The pods of a workload."""
    return {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "app", "image": image}]}}


def image(name: str, kind: str, number: int) -> str:
    """Names say what a version is like."""
    return f"{name}:{kind}-{number}"


def kind_of(name: str) -> str:
    """What an image is like."""
    return name.partition(":")[2].partition("-")[0]


def hook_url(canary: str, hook: str) -> str:
    """Where a webhook of a plan is called."""
    return f"http://hooks.test/{canary}/{hook}"
