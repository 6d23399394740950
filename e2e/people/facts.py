"""What was seen of one release, as a value. Times are seconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from e2e.lab.load import Record
from e2e.people.message import Message
from e2e.people.plan import Release
from e2e.play.kubectl import Answer
from e2e.play.seen import StatusSeen

Json = Mapping[str, Any]
AT_REST = frozenset({"Initialized", "Succeeded", "Failed"})


@dataclass(frozen=True, slots=True)
class Try:
    """What somebody did, what is to come of it, and what came."""

    what: str
    wanted: int
    """The exit code, or HTTP's status."""
    words: tuple[str, ...]
    """What the answer says."""
    code: int
    said: str

    @property
    def as_wanted(self) -> bool:
        """Whether it went as it had to."""
        said = " ".join(self.said.split())
        return self.code == self.wanted and all(word in said for word in self.words)


@dataclass(frozen=True, slots=True)
class Decision:
    """What people did while a release waited at its gate."""

    who: str
    """How the status has to name who approved."""
    waiting_at_s: float
    """When the gate was seen."""
    message: Message
    """The one that leads to what opens it."""
    tries: tuple[Try, ...]
    """What opens nothing."""
    before: Json
    after: Json
    """The Canary before and after those, as far as people can change it."""
    asked_at_s: float
    """When it was approved."""
    approval: Try
    again: tuple[Try, ...] = ()
    """What was tried after that."""


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """One release."""

    release: Release
    version: str
    began_at_s: float
    ended_at_s: float
    statuses: tuple[StatusSeen, ...]
    """From before it began."""
    messages: tuple[Message, ...]
    records: tuple[Record, ...]
    pipeline: Answer
    """How the script that released it ended."""
    status: Json
    """The Canary's, at the end."""
    serves: str
    """The primary's version at the end."""
    decision: Decision | None = None
    overdue: str = ""

    @property
    def run(self) -> tuple[StatusSeen, ...]:
        """The statuses from the first on in which something is released."""
        first = next((n for n, seen in enumerate(self.statuses) if seen.phase not in AT_REST), len(self.statuses))
        return self.statuses[first:]

    @property
    def end(self) -> str:
        """Its last phase."""
        return self.run[-1].phase if self.run else "never began"

    def reached(self, phase: str) -> float | None:
        """When it was first seen in that phase."""
        return next((seen.at_s for seen in self.run if seen.phase == phase), None)

    def told(self, words: str) -> Message | None:
        """The first message whose headline says that."""
        return next((one for one in self.messages if words in one.headline), None)
