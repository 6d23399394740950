"""Which replica works on which Canary, as each of them says it in its Lease: by what rule, among which replicas.

Two replicas that say the same agree on every Canary. While they say different things, each is bound by its own words,
and the other respects them (lease.py). Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

from rollouts.api.resources import ObjectKey


class Rule(StrEnum):
    """How Canaries are shared."""

    LEADER = "leader"
    """The replica that has been there longest works on all of them; the others stand by."""
    SHARDS = "shards"
    """Each replica works on its part. Where one comes or goes, only what it gets or had changes hands."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a replica goes by."""

    rule: Rule
    members: tuple[str, ...] = ()
    """Names of the replicas, those that have been there longest first; none while it works on nothing."""

    def takes(self, replica: str, key: ObjectKey) -> bool:
        """Whether that replica works on the Canary."""
        return bool(self.members) and replica == self._owner(key)

    def __str__(self) -> str:
        """As it is written into a Lease."""
        return " ".join((self.rule, *self.members))

    def _owner(self, key: ObjectKey) -> str:
        if self.rule is Rule.LEADER:
            return self.members[0]
        # Rendezvous hashing: whoever has the largest number for this Canary has it.
        return max(self.members, key=lambda member: (_number(member, key), member))


def read_share(text: str) -> Share | None:
    """What is written in a Lease; None if it can't be understood, as where a later version has written it."""
    rule, *members = text.split(" ")
    return Share(Rule(rule), tuple(members)) if rule in {*Rule} else None


def _number(member: str, key: ObjectKey) -> bytes:
    return blake2b(f"{member}\0{key.namespace}\0{key.name}".encode(), digest_size=8).digest()
