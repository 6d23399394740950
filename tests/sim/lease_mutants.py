"""The rules of Leases, broken one at a time."""

from __future__ import annotations

from rollouts.core import lease
from rollouts.engine.fence import Fenced
from rollouts.engine.seat import Seat
from rollouts.engine.supervisor import Workers
from rollouts.kube import lease_manifest
from tests.sim.mutants import Mutant

LEASE_MUTANTS = (
    Mutant("works on after its Lease has run out", lease, "holds_until", "+ me.holds_for", "+ 9 * me.holds_for"),
    Mutant("takes over too early", lease, "next_move", "now >= late.ends_at", "now >= late.since + me.renews_after"),
    Mutant("never takes over", lease, "next_move", "late is not None and now >=", "late is not None and not now >="),
    Mutant("voids a Lease that was renewed", lease_manifest, "render_delete", "lease.uid, lease.version", "lease.uid"),
    Mutant("says that it has left before it has", Seat, "_drain", "await self.listeners.idle(given_up)", "pass"),
    Mutant("begins before it has looked", lease, "written",
           "standing, mine=lease,", "standing, trusted=(lease.share,), mine=lease,"),
    Mutant("does not hear what others say", lease, "may_work", "return not any(", "return True or any("),
    Mutant("begins what it does not hold", Workers, "_work", " if self._mandate.holds(key) else None", ""),
    Mutant("keeps its Lease when it ends", Seat, "leave", "await self._leases.delete(mine)", "pass"),
)  # fmt: skip

CLOSE_MUTANTS = (
    Mutant("says that it has left and goes on", Seat, "_drain", "self._narrowed = share", "pass"),
    Mutant("a write outlives the Lease", Fenced, "write", "asyncio.timeout(left_s)", "asyncio.timeout(None)"),
    Mutant("a write begins after the Lease", Fenced, "write", "if left_s > 0:", "if left_s == left_s:"),
    Mutant("leaves before it has ended", Seat, "leave", "await self.listeners.idle(lambda _key: True)", "pass"),
)  # fmt: skip
"""Rules behind which another one stands, so that no world shows it: tests/engine/test_seat.py looks closer."""
