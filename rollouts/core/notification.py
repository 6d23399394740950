"""What a message to people says: which Canary and version, what happened, since when, what comes next. Pure.

All of it comes from the notice and the spec, so that a second delivery says the same under the same id. Knows no
receiver: how a message looks there is the matter of `notify/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rollouts.api.actions import PREFIX
from rollouts.api.alert import Severity
from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Notice, Phase
from rollouts.core.phases import Event

_FAILURES = frozenset({Event.STRANDED, Event.CANARY_LOST, Event.GIVEN_UP})
_STEPS = frozenset({Event.ADVANCE, Event.CHECK_PASSED, Event.SHIFTED})
"""One of many: told only to those who want all."""
_ENDINGS = frozenset({Event.ROLLBACK, "Succeeded", Event.REVERTED})
"""Of which a headline says after what time."""
_HEADLINES: dict[str, str] = {
    "Initialized": "ready for releases", "Waiting": "waits to start", "WaitingPromotion": "waits to be promoted",
    "Promoting": "passed all steps", "Succeeded": "promoted",
    Event.NEW_REVISION: "release started", Event.CONFIRMED: "release started", Event.RESCUE: "release started",
    Event.REVERTED: "reverted", Event.SUPERSEDED: "superseded", Event.ADVANCE: "next step",
    Event.CHECK_PASSED: "check passed", Event.HELD: "held", Event.CHECK_FAILED: "check failed",
    Event.UNDECIDED: "no verdict", Event.CANARY_LOST: "canary lost", Event.SHIFTED: "traffic returns",
    Event.SWAPPED: "promoted", Event.UNDONE: "undone", Event.STABLE_CHANGED: "stable side changed",
    Event.ROLLBACK: "rolled back", Event.STRANDED: "failed, the canary keeps the traffic",
    Event.PAUSED: "paused", Event.RESUMED: "resumed", Event.APPROVED: "approved", Event.OVERRIDDEN: "overridden",
    Event.WEIGHT_SET: "weight set by hand", Event.REFUSED: "action refused", Event.DELETED: "being deleted",
    Event.HANDED_BACK: "being deleted", Event.RELEASED: "deleted", Event.GIVEN_UP: "deleted, not restored",
    "Suspended": "suspended",
}  # fmt: skip

_NEXT_BY_REASON: dict[str, str] = {
    Event.STRANDED: "When the stable side has a pod that serves, it gets all traffic back.",
    "Suspended": "Nothing, until spec.suspend is false.",
    Event.HELD: "Its weight stays until that is over; a failure still rolls it back.",
    Event.PAUSED: f"Its weight stays until it is resumed ({PREFIX}resume); a failure still rolls it back.",
}
_GOES_ON = "It goes on by itself when nothing is wrong any more."
_AT_REST = "Nothing is left to do: the next change of the target starts a release."
_NEXT = {
    Phase.INITIALIZING: _GOES_ON,
    Phase.TERMINATING: _GOES_ON,
    Phase.WAITING: f"It starts when that is over, or its gate is opened ({PREFIX}approve); or it is refused (reject).",
    Phase.WAITING_PROMOTION: f"It is promoted when the gate is opened ({PREFIX}approve), ended if refused (reject).",
    Phase.PROMOTING: "The stable side takes the new version; until that is ready the canary serves.",
    Phase.FINALISING: "The canary is scaled down when its last request is answered.",
    Phase.SUCCEEDED: _AT_REST,
    Phase.INITIALIZED: _AT_REST,
    Phase.FAILED: f"It is not tried again by itself: apply another version, or ask for it ({PREFIX}retry).",
}


@dataclass(frozen=True, slots=True)
class Link:
    """Where to read on."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Notification:
    """One message, before it has the shape of any service."""

    id: str
    """The same at each delivery."""
    release: str
    """The same for all messages about one release: what makes them one thread."""
    canary: str
    """The same for all messages about one Canary."""
    name: str
    namespace: str
    target: str
    """The workload, as a person calls it."""
    reason: str
    severity: Severity
    phase: Phase
    message: str
    at: datetime
    revision: str = ""
    version: str = ""
    """The images of the canary; empty where they are not known for sure any more."""
    since: datetime | None = None
    """When the release began; None where there is none, or another one is on its way since."""
    next: str = ""
    """What happens next, or what a person can do."""
    cluster: str = ""
    links: tuple[Link, ...] = ()

    @property
    def title(self) -> str:
        """Which Canary, and in a few words what."""
        where = f"{self.cluster}/{self.namespace}" if self.cluster else self.namespace
        words = _HEADLINES.get(self.reason) or (self.reason if self.severity is Severity.INFO else "needs attention")
        after = f" after {self._lasted}" if self.reason in _ENDINGS and self.since is not None else ""
        return f"{where}/{self.name}: {words}{after}"

    @property
    def since_words(self) -> str:
        """Since when, and for how long by then."""
        if self.since is None:
            return ""
        return f"{self.since:%Y-%m-%d %H:%M:%S} UTC ({self._lasted} before)"

    @property
    def _lasted(self) -> str:
        return "" if self.since is None else lasting_words(max(0, round((self.at - self.since).total_seconds())))

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """What stands below the sentence, each with its name; nothing empty."""
        named = (
            ("Version", self.version), ("Revision", self.revision), ("Target", self.target), ("Phase", str(self.phase)),
            ("Release began", self.since_words), ("Next", self.next),
        )  # fmt: skip
        return tuple((label, words) for label, words in named if words)

    @property
    def settles(self) -> bool:
        """Whether what was wrong with this Canary before is over."""
        return self.severity is Severity.INFO and self.phase in {Phase.SUCCEEDED, Phase.INITIALIZED}


def severity_of(notice: Notice) -> Severity:
    """How loud a notice is."""
    if not notice.warning:
        return Severity.INFO
    return Severity.ERROR if notice.phase is Phase.FAILED or notice.reason in _FAILURES else Severity.WARN


def is_milestone(notice: Notice) -> bool:
    """Whether it tells more than that one of many steps is done."""
    return notice.warning or notice.reason not in _STEPS


def began_at(status: CanaryStatus, notice: Notice) -> datetime | None:
    """When the release that a notice is about began; None if the status speaks of another one."""
    same = bool(notice.revision) and status.last_applied_spec == notice.revision
    return status.started_at if same and notice.phase is not Phase.INITIALIZED else None


def next_words(spec: CanarySpec, notice: Notice) -> str:
    """What happens next, or what a person can do, as far as the notice and the spec tell it."""
    if notice.reason in _NEXT_BY_REASON:
        return _NEXT_BY_REASON[notice.reason]
    if notice.phase is Phase.PROGRESSING:
        limit = spec.analysis.threshold
        return f"It is judged every {spec.analysis.interval}, and rolled back at failed check {limit}."
    return _NEXT[notice.phase]


def lasting_words(seconds: int) -> str:
    """A time as people say it: `14 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 60:
        return f"{seconds} s"
    minutes, rest_s = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {rest_s} s" if rest_s else f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"
