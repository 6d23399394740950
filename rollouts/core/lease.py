"""Whose turn it is among several replicas of the controller: what one of them does next about the Leases, and what it
may work on meanwhile.

Each replica has a Lease, in which it says what it goes by (shares.py). Four rules make sure that no two of them work on
one Canary at a time. `duration` is what the Lease says of itself.

1. *Hold back.* A replica works only until two thirds of `duration` after it *sent* its last renewal that was taken.
2. *Void.* Whoever has seen a Lease unchanged for its whole `duration`, by its own monotonic clock, deletes it at that
   resourceVersion. Its replica has stopped by rule 1; whether it is dead, frozen or cut off makes no difference.
3. *Leave, then say so.* A replica stops with what it gives away and waits until nothing of that is under way (it
   drains); only then it writes into its Lease what it goes by from now on.
4. *Say so, then look.* What it takes over it first writes into its Lease, then it lists all Leases, and begins with a
   Canary only when none of the others says that it has it.

Of two that say they have the same Canary, the later one has looked after the earlier one wrote: by rule 4 it waits, and
by rule 3 until that one has stopped. Leases that a watch shows too late only make it wait longer. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rollouts.api.resources import ObjectKey
from rollouts.core.shares import Rule, Share

RENEWALS = 5
"""Renewals in the time that a Lease lasts."""
RETRY = timedelta(seconds=1)
"""How long after a request that failed."""


@dataclass(frozen=True, slots=True)
class Me:
    """This process."""

    replica: str
    """The same after a restart in place: then the process before it is dead."""
    incarnation: str
    """Of this process alone."""
    rule: Rule
    duration: timedelta

    @property
    def renews_after(self) -> timedelta:
        """How long after a renewal was sent the next one is due."""
        return self.duration / RENEWALS

    @property
    def holds_for(self) -> timedelta:
        """How long a renewal is good for, from when it was sent."""
        return self.duration * 2 / 3


@dataclass(frozen=True, slots=True)
class Lease:
    """A replica's Lease."""

    replica: str
    incarnation: str
    duration: timedelta
    share: Share | None = None
    """None if it can't be understood: then it may have everything."""
    since: str = ""
    """When the server made it, as the server writes that."""
    version: str = ""
    """As it was read; empty if the server has none."""
    uid: str = ""

    def takes(self, key: ObjectKey) -> bool:
        """Whether it says that its replica has the Canary."""
        return self.share is None or self.share.takes(self.replica, key)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A Lease, and since when it has been seen as it is."""

    lease: Lease
    since: datetime

    @property
    def ends_at(self) -> datetime:
        """When it has run out, unless it changes."""
        return self.since + self.lease.duration


View = Mapping[str, Sighting]
"""All Leases as they are known, by replica."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a replica stands, by what it has done and been answered."""

    mine: Lease | None = None
    sent_at: datetime | None = None
    """When the last renewal that was taken was sent."""
    trusted: tuple[Share, ...] = ()
    """The last share after which the Leases were listed, and what was written since: it works on what all agree on."""
    drained: Share | None = None
    """To what share nothing is under way any more that it gives away."""
    retry_at: datetime | None = None
    """Before that nothing is tried again."""
    in_doubt: bool = False
    """Whether a write of the own Lease is under way, or was sent and never answered."""
    ousted: bool = False
    """Whether another process of the same name has taken the Lease."""


@dataclass(frozen=True, slots=True)
class Write:
    """Make or renew the own Lease, as it is here."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class Void:
    """Delete a Lease that has run out."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class Drain:
    """Begin nothing more outside that share, and wait until what is under way has ended; at the longest until then."""

    share: Share
    until: datetime


@dataclass(frozen=True, slots=True)
class Look:
    """List all Leases."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing, until then or until a Lease changes."""

    until: datetime


Move = Write | Void | Drain | Look | Rest


def look(view: View, leases: Sequence[Lease], now: datetime) -> dict[str, Sighting]:
    """The Leases as they are known now; those that are as they were keep since when."""
    seen = {}
    for lease in leases:
        known = view.get(lease.replica)
        same = known is not None and (known.lease.uid, known.lease.version) == (lease.uid, lease.version)
        seen[lease.replica] = Sighting(lease, known.since if known is not None and same else now)
    return seen


def next_move(me: Me, standing: Standing, view: View, now: datetime) -> Move:
    """What to do now."""
    if standing.retry_at is not None and now < standing.retry_at:
        return Rest(standing.retry_at)
    mine = standing.mine
    if mine is None or standing.sent_at is None:
        return _take_seat(me, standing, view, now)
    want, due_at = wanted(me, mine, view), standing.sent_at + me.renews_after
    if now >= due_at or standing.in_doubt:
        return Write(replace(mine, share=want if standing.drained == want else mine.share))
    others = [sighting for name, sighting in view.items() if name != me.replica]
    late = min(others, key=lambda sighting: sighting.ends_at, default=None)
    if late is not None and now >= late.ends_at:
        return Void(late.lease)
    if want != mine.share:
        return Write(replace(mine, share=want)) if standing.drained == want else Drain(want, due_at)
    if standing.trusted != (mine.share,):
        return Look()
    return Rest(due_at if late is None else min(due_at, late.ends_at))


def _take_seat(me: Me, standing: Standing, view: View, now: datetime) -> Move:
    """Make the Lease, or take over that of the process that this one comes after."""
    known = view.get(me.replica)
    fresh = Lease(me.replica, me.incarnation, me.duration)
    if known is None:
        return Write(replace(fresh, share=wanted(me, fresh, view)))
    if standing.ousted and now < known.ends_at:
        return Rest(known.ends_at)
    old = known.lease
    fresh = replace(fresh, since=old.since, version=old.version, uid=old.uid)
    return Write(replace(fresh, share=wanted(me, fresh, view)))


def wanted(me: Me, mine: Lease, view: View) -> Share:
    """What to go by, with the replicas that are known: all who know the same ones want the same."""
    others = [sighting.lease for name, sighting in view.items() if name != me.replica]
    members = sorted((mine, *others), key=lambda lease: (lease.since or "~", lease.replica))
    return Share(me.rule, tuple(lease.replica for lease in members))


def sending(standing: Standing, lease: Lease) -> Standing:
    """The own Lease is about to be written: from now on it may say that."""
    trusted, share = standing.trusted, lease.share
    if trusted and share is not None and share != trusted[-1]:
        trusted = (*trusted, share)
    return replace(standing, trusted=trusted, in_doubt=True)


def written(standing: Standing, lease: Lease, sent_at: datetime) -> Standing:
    """The own Lease was written."""
    return replace(standing, mine=lease, sent_at=sent_at, drained=None, retry_at=None, in_doubt=False, ousted=False)


def listed(standing: Standing) -> Standing:
    """All Leases were listed after the own one was written as it is."""
    mine = standing.mine
    known = () if mine is None or mine.share is None else (mine.share,)
    return replace(standing, trusted=known, retry_at=None)


def refused(me: Me, standing: Standing, view: View) -> Standing:
    """A write of the own Lease met another state than the one it was made from. `view` is listed since then."""
    known, mine = view.get(me.replica), standing.mine
    if known is None or known.lease.incarnation != me.incarnation:
        ousted = known is not None and mine is not None
        return Standing(ousted=ousted or (standing.ousted and known is not None))
    # An earlier write of ours, to which no answer came, was taken after all.
    lease = known.lease
    same = mine is not None and mine.share == lease.share
    return replace(standing, mine=lease, trusted=standing.trusted if same else (), in_doubt=False)


def holds_until(me: Me, standing: Standing) -> datetime | None:
    """When all work has to stop; None if it has stopped."""
    return None if standing.mine is None or standing.sent_at is None else standing.sent_at + me.holds_for


def may_work(me: Me, standing: Standing, view: View, key: ObjectKey) -> bool:
    """Whether the Canary is this replica's to work on, as long as the own Lease holds."""
    if not standing.trusted or not all(share.takes(me.replica, key) for share in standing.trusted):
        return False
    return not any(sighting.lease.takes(key) for name, sighting in view.items() if name != me.replica)
