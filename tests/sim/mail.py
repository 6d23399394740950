"""The judge of notices: each tells of something that was decided, under one id, until it has arrived, and in order."""

from __future__ import annotations

from dataclasses import dataclass, field

from rollouts.api.resources import Manifest
from rollouts.api.status import OUTBOX_MAX, CanaryStatus, Notice, Phase
from tests.sim.court import Court
from tests.sim.ledger import is_run_start, place_of
from tests.sim.meaning import EVENT, POST_ROLLOUT, RECEIVERS, Meaning

_ENDS = frozenset({Phase.SUCCEEDED, Phase.FAILED})
_UNTOLD = frozenset({None, Phase.INITIALIZING, Phase.FINALISING})


@dataclass(slots=True)
class Mail:
    """The notices of one Canary."""

    name: str
    decided: dict[int, Notice] = field(default_factory=dict)
    received: dict[str, list[int]] = field(default_factory=dict)
    """By hook, each number at its first arrival."""
    lost: set[int] = field(default_factory=set)
    """Had to make room."""

    def written(self, court: Court, meaning: Meaning, before: CanaryStatus, after: CanaryStatus) -> None:
        """A status of ours stands on the server."""
        new = [notice for notice in after.outbox if notice.number not in self.decided]
        for notice in after.outbox:
            same = self.decided.setdefault(notice.number, notice) == notice
            court.demand(same, f"{self.name}: notice {notice.number} now tells something else")
        kept = {notice.number for notice in after.outbox}
        for notice in before.outbox:
            if notice.number not in kept and not self._arrived(meaning, notice):
                full = len(after.outbox) == OUTBOX_MAX and after.notices_lost > before.notices_lost
                court.demand(full, f"{self.name}: notice {notice.number} left the outbox before it arrived")
                self.lost.add(notice.number)
        if _tells(before, after) and meaning.of_kind(EVENT):
            told = any(notice.type == EVENT for notice in new)
            court.demand(told, f"{self.name}: {before.phase} to {after.phase}, and no notice of it is decided")
        if after.phase in _ENDS and after.phase is not before.phase and meaning.of_kind(POST_ROLLOUT):
            told = any(notice.type == POST_ROLLOUT and notice.phase is after.phase for notice in new)
            court.demand(told, f"{self.name}: it ended, and no post-rollout notice is decided")

    def arrived(self, court: Court, uid: str, hook: str, payload: Manifest) -> None:
        """A receiver has taken a notice."""
        known_as = str(payload.get("id", ""))
        number = int(known_as.rpartition("-")[2] or 0)
        notice = self.decided.get(number)
        court.demand(
            known_as == f"{uid}-{number}" and notice, f"{self.name}: {hook} was told {known_as!r}, not decided"
        )
        assert notice is not None
        same = (payload["phase"], payload["checksum"]) == (notice.phase, notice.revision)
        told = payload["metadata"].get("eventMessage", notice.message) == notice.message
        court.demand(same and told, f"{self.name}: notice {number} arrived at {hook} with other words")
        numbers = self.received.setdefault(hook, [])
        if number not in numbers:
            court.demand(number > max(numbers, default=0), f"{self.name}: {hook} got {number} after {numbers[-1:]}")
            numbers.append(number)

    def missing(self, meaning: Meaning) -> str:
        """What was decided and has not arrived; empty if all did."""
        for hook in meaning.of_kind(*RECEIVERS):
            wanted = {number for number, notice in self.decided.items() if notice.type == hook.kind} - self.lost
            if absent := sorted(wanted - set(self.received.get(hook.name, ()))):
                return f"{self.name}: notices {absent} never arrived at {hook.name}"
        return ""

    def _arrived(self, meaning: Meaning, notice: Notice) -> bool:
        return all(notice.number in self.received.get(hook.name, ()) for hook in meaning.of_kind(notice.type))


def _tells(before: CanaryStatus, after: CanaryStatus) -> bool:
    higher = not is_run_start(before, after) and place_of(after) > place_of(before)
    return higher or (after.phase is not before.phase and after.phase not in _UNTOLD)
