"""Judges over several replicas that share the Canaries by Leases: that never two work on one, and soon somebody does.

Who has a Canary is found out from the world: the process whose write raised the term last. What a process holds by its
own words is asked too, at every change: two that hold one Canary at one instant are a flaw, whatever they write.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from rollouts.api.resources import CANARIES, EVENTS, LEASES, RULES_REVIEWS, ObjectKey
from rollouts.api.status import CanaryStatus
from rollouts.ports import PatchStatus, Write
from rollouts.testing.memory_journal import Place
from rollouts.testing.memory_server import Change
from tests.sim.court import Court, Unsafe
from tests.sim.plan import NAMESPACE

LEASE_S = 15.0
"""How long a Lease lasts."""
RUDE_S = 25.0
"""How much longer a hand-over may take where requests fail by chance and watches are late."""
QUIET = (EVENTS, RULES_REVIEWS, LEASES)
"""What may be written by anybody."""


class Replica(Protocol):
    """A process, as these judges see it."""

    @property
    def life(self) -> str:
        """The name of this life of it."""
        ...

    def holds(self, key: ObjectKey) -> bool:
        """Whether it takes the Canary for its own now."""
        ...

    def is_well(self) -> bool:
        """Whether it lives, runs, and reaches the server."""
        ...


@dataclass(slots=True)
class _Tenure:
    """What is known of one Canary's present owner."""

    process: str = ""
    term: int = 0
    written: set[Place] = field(default_factory=set)
    """Objects that it has written since it has the Canary."""


class Sharing:
    """The judge of one run."""

    def __init__(self, court: Court, canaries: Sequence[str], replicas: Sequence[Replica], allowed_s: float) -> None:
        """`allowed_s`: how long nobody may work on a Canary while some replica could."""
        self._court = court
        self._keys = [ObjectKey(NAMESPACE, name) for name in canaries]
        self._replicas = replicas
        self._allowed_s = allowed_s
        self._tenures = {name: _Tenure() for name in canaries}
        self._inside: dict[str, str] = {}
        self._renewed_s: dict[str, float] = {}
        self._since_s = dict.fromkeys(self._keys, court.now_s())
        self.longest_s = 0.0
        """The longest time that nobody worked on a Canary."""
        self.hand_overs = 0

    @contextmanager
    def working(self, process: str, key: ObjectKey) -> Iterator[None]:
        """A process works on a Canary within the block."""
        other = self._inside.get(key.name)
        well = any(replica.life == other and replica.is_well() for replica in self._replicas)
        self._court.demand(not well, f"{key.name}: {process} works on it, and so does {other}")
        self._inside[key.name] = process
        try:
            yield
        finally:
            if self._inside.get(key.name) == process:
                del self._inside[key.name]

    def begin(self, process: str, name: str, write: Write) -> None:
        """A process begins a write. A status is judged when it lands: it claims the Canary, or is refused."""
        tenure = self._tenures.get(name)
        if tenure is None or write.resource in QUIET or isinstance(write, PatchStatus):
            return
        has = tenure.process in {"", process}
        self._court.demand(has, f"{name}: {process} begins to write {write.resource}, and {tenure.process} has it")

    def heard(self, change: Change, process: str) -> None:
        """Something changed on the server; the process that did so, if it was one."""
        self.check()
        (resource, key), after = change.place, change.after
        if resource == LEASES:
            self._heard_of_lease(key.name, process, gone=after is None)
        tenure = self._tenures.get(key.name.partition("-")[0])
        if tenure is None or not process or resource in QUIET:
            return
        status = CanaryStatus.model_validate((after or {}).get("status") or {}) if resource == CANARIES else None
        if status is not None and status.term > tenure.term:
            self.hand_overs += tenure.process not in {"", process}
            tenure.process, tenure.term, tenure.written = process, status.term, set()
        late = process != tenure.process and change.place in tenure.written
        what = f"{key.name}: {process} wrote this {resource.kind} after {tenure.process}, who took the Canary over"
        self._court.demand(not late, what)
        if process == tenure.process:
            tenure.written.add(change.place)

    def _heard_of_lease(self, name: str, process: str, *, gone: bool) -> None:
        """Only who has it may end it before it has run out."""
        owns = name.removeprefix("rollouts-").partition("x")[0] == process.partition(".")[0]
        age_s = self._court.now_s() - self._renewed_s.get(name, -LEASE_S)
        rash = gone and not owns and age_s < LEASE_S - 0.001
        with suppress(Unsafe):  # remembered; raised here, it would end the seat
            self._court.demand(not rash, f"{process} ends Lease {name}, which was renewed {age_s:.1f} s ago")
        self._renewed_s[name] = self._court.now_s()

    def check(self) -> None:
        """Nobody else has what one has; and somebody has each, or soon will."""
        well = any(replica.is_well() for replica in self._replicas)
        for key in self._keys:
            owners = [replica.life for replica in self._replicas if replica.holds(key)]
            self._court.demand(len(owners) <= 1, f"{key.name} is held by {' and '.join(owners)}")
            if owners or not well:
                self._since_s[key] = self._court.now_s()
            gap_s = self._court.now_s() - self._since_s[key]
            self.longest_s = max(self.longest_s, gap_s)
            self._court.demand(gap_s <= self._allowed_s, f"{key.name}: nobody works on it for {gap_s:.1f} s")
