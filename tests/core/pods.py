"""A Deployment whose pods take their time, for stepping through a story without a cluster. Knows no Canary."""

from __future__ import annotations

from dataclasses import dataclass

from rollouts.core.observed import WorkloadState

NEVER = float("inf")


@dataclass(slots=True)
class Pods:
    """One Deployment. Times are seconds of the story; a new template rolls without a gap, as Kubernetes does it."""

    revision: str
    replicas: int = 2
    source_revision: str = ""
    ready_at: float = 0.0
    before: int = 0
    """Pods of the template before, which serve until the new ones do."""
    lost: bool = False
    """Every pod is gone and none comes up."""
    given_up: bool = False
    """Kubernetes reports ProgressDeadlineExceeded."""
    template: str = ""
    """Of a revision that another configuration made: its template alone."""
    started_with: str = ""
    """The revision whose configuration the pods have that serve, or will."""

    def __post_init__(self) -> None:
        self.started_with = self.revision

    def available(self, now: float) -> int:
        """How many pods answer."""
        if self.lost:
            return 0
        return self.replicas if now >= self.ready_at else min(self.before, self.replicas)

    def roll(self, revision: str, now: float, ready_after: float) -> None:
        """A new template, whose pods are ready after that many seconds."""
        self.before = self.available(now)
        self.revision, self.ready_at, self.given_up = revision, now + ready_after, False
        self.started_with, self.template = revision, f"template of {revision}" if self.template else ""

    def configure(self, revision: str) -> None:
        """Other configuration: pods that run go on with what they have."""
        self.template = self.template or self.revision
        self.revision = revision

    def scale(self, replicas: int, now: float, ready_after: float) -> None:
        """Another size; pods that are added are ready after that many seconds."""
        added = replicas > self.replicas
        self.before = min(self.available(now), replicas)
        if self.replicas == 0:
            self.started_with = self.revision
        self.replicas = replicas
        if added:
            self.ready_at = max(self.ready_at, now + ready_after)

    def state(self, now: float) -> WorkloadState:
        """As it is observed."""
        return WorkloadState(
            revision=self.revision,
            source_revision=self.source_revision,
            replicas=self.replicas,
            available=self.available(now),
            ready=self.replicas == 0 or (now >= self.ready_at and not self.lost),
            deadline_exceeded=self.given_up,
            template=self.template,
        )
