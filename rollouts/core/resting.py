"""What can be found between releases: while a Canary is prepared, while it idles, and while traffic drains."""

from __future__ import annotations

from datetime import datetime, timedelta

from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.ending import found_new, is_new
from rollouts.core.finding import Finding, missing, newest, waited
from rollouts.core.grid import ceil_instant, floor_instant
from rollouts.core.measurement import Probe, Rejected, Sample, Signal, Subject, Unreachable, Value
from rollouts.core.observed import Observed, Problem, WorkloadState, grown, serves
from rollouts.core.phases import Event
from rollouts.core.schedule import DRAIN_TIMEOUT
from rollouts.core.tracking import READING, secrets_known
from rollouts.core.unready import wait_for_pods

RIGHTS = Probe(Signal.RIGHTS)
PREFLIGHT = (RIGHTS, Probe(Signal.SOURCE_ALIVE))
PREFLIGHT_RETRY = timedelta(seconds=30)
SILENCE = Probe(Signal.REQUEST_RATE, Subject.CANARY)
DRAIN_POLL = timedelta(seconds=2)
"""Also the least drain: a route that the API server has accepted is not in every proxy at once."""
DRAIN_GRID_S = 1.0
"""Those that drain within one ask together, where judgements have a grid."""


def find_initializing(_spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding:
    """First nothing is touched until all has been looked at; then primary, Services and routes, in this order."""
    if seen.problem is not None:
        return Finding(Event.BLOCKED, seen.problem.message, problem=seen.problem)
    if not secrets_known(status, seen):
        return waited(READING)
    if seen.primary is None:
        return preflight(seen)
    if not grown(seen.primary):
        if _never_served(seen):
            return Finding(Event.WAITED, "making the primary again: the target has another version now", prepare=True)
        since = status.not_ready_since
        return wait_for_pods("waiting for the primary to be ready", seen, Subject.STABLE, since=since)
    if seen.route_weight != 0 or not seen.apex_on_primary:
        return waited("waiting for Services and routes to point at the primary")
    return Finding(Event.PREPARED, "the primary serves all traffic")


def _never_served(seen: Observed) -> bool:
    """Whether the primary is a copy of a first version that never came up, and that the target has left behind.

    One that routes lead to is no such copy, whatever its pods do: it serves what was proven.
    """
    if seen.primary is None or seen.target is None or serves(seen.primary):
        return False
    unrouted = seen.route_weight is None and not seen.apex_on_primary
    return unrouted and seen.primary.source_revision != seen.target.revision


def preflight(seen: Observed) -> Finding:
    """What rights and metrics say; `prepare` once nothing speaks against a start."""
    # An answer is stale from the very moment at which it is to be asked for again.
    fresh_from = seen.now - PREFLIGHT_RETRY + timedelta.resolution
    unanswered = missing(seen.samples, PREFLIGHT, fresh_from)
    if unanswered:
        return waited("looking at rights and metrics before anything is touched", asks=unanswered)
    for probe in PREFLIGHT:
        sample = newest(seen.samples, probe, fresh_from)
        if sample is not None and (problem := _problem_of(sample)) is not None:
            retry_at = sample.at + PREFLIGHT_RETRY
            return Finding(Event.BLOCKED, problem.message, wake_at=retry_at, problem=problem)
    if seen.unvetted:
        return waited("asking whether the metrics' queries can be answered, before anything is touched")
    return Finding(Event.WAITED, "making the primary", prepare=True)


def _problem_of(sample: Sample) -> Problem | None:
    match sample.outcome:
        case Rejected(reason) if sample.probe == RIGHTS:
            return Problem("Forbidden", reason)
        case Unreachable(reason) if sample.probe == RIGHTS:
            unknown = f"what the controller's account may do could not be asked of the API server: {reason}"
            again = f"it is asked again every {PREFLIGHT_RETRY.total_seconds():.0f} s"
            return Problem("RightsUnknown", f"{unknown}; {again}, and nothing is touched until it answers")
        case Rejected(reason) | Unreachable(reason):
            way_out = "nothing is touched until it answers: check the controller's ROLLOUTS_METRICS_SERVER"
            return Problem("MetricsUnavailable", f"{reason}; {way_out}")
        case _:
            return None


def find_idle(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding:
    """Initialized, Succeeded or Failed: wait for a revision that was not released yet."""
    able = grown(seen.primary) or (serves(seen.primary) and not serves(seen.target))
    if status.phase is Phase.FAILED and status.desired_weight > 0 and able:
        return Finding(Event.ROLLBACK, "the primary serves again")
    if seen.problem is not None:
        return Finding(Event.BLOCKED, seen.problem.message, problem=seen.problem)
    if seen.target is not None and is_new(status, seen.target) and not secrets_known(status, seen):
        return waited(READING)
    if seen.target is not None and is_new(status, seen.target):
        event = found_new(spec, status, seen)
        # Only a release that failed can have left all traffic on the canary.
        lost = event is Event.RESCUE and status.phase is not Phase.FAILED
        return Finding(Event.NEW_REVISION if lost else event, f"revision {seen.target.revision} is new")
    if seen.primary is None and status.desired_weight == 0:
        gone = _primary_gone(status, seen.target)
        return Finding(Event.BLOCKED, gone.message, problem=gone)
    if not status.drained:
        return find_drain(spec, status, seen)
    return waited("nothing to release" if status.phase is not Phase.FAILED else "waiting for another revision")


def _primary_gone(status: CanaryStatus, target: WorkloadState | None) -> Problem:
    promoted = status.last_promoted_spec
    if target is not None and target.revision == promoted:
        return Problem("PrimaryGone", "the primary was deleted: it is made again from the target")
    lost = f"the primary was deleted, and nobody has the traffic: the target does not run revision {promoted} any more"
    return Problem("PrimaryGone", f"{lost}; give it that template again, or another that works")


def find_drain(_spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding:
    """Out of traffic: wait until the canary serves no request any more, at most DRAIN_TIMEOUT."""
    return find_silence(status, seen, SILENCE)


def find_silence(status: CanaryStatus, seen: Observed, silence: Probe) -> Finding:
    """The same for the side that `silence` asks about."""
    side = "canary" if silence.subject is Subject.CANARY else "primary"
    if status.drain_started_at is None:
        return waited(f"waiting for the routes to send nothing to the {side}")
    ends_at = status.drain_started_at + DRAIN_TIMEOUT
    if seen.now >= ends_at:
        return Finding(Event.DRAINED, "drain time is over")
    earliest = status.drain_started_at + DRAIN_POLL
    sample = newest(seen.samples, silence, earliest)
    if sample is not None and sample.outcome == Value(0.0):
        return Finding(Event.DRAINED, f"the {side} serves no request any more")
    ask_at = _ask_at(earliest, sample, together=seen.grid_s > 0)
    if seen.now >= ask_at:
        return waited(f"the {side} drains", asks=(silence,), wake_at=ends_at)
    return waited(f"the {side} drains", wake_at=min(ask_at, ends_at))


def _ask_at(earliest: datetime, sample: Sample | None, *, together: bool) -> datetime:
    """When to ask (again). All that drain in one second ask by one query, in the middle: judgements ask at its ends.

    Whoever still had requests may be silent a second later; where nothing is told, that seldom changes so soon.
    """
    if not together:
        return sample.at + DRAIN_POLL if sample is not None else earliest
    middle = timedelta(seconds=DRAIN_GRID_S / 2)
    if sample is None:
        return ceil_instant(earliest - middle, DRAIN_GRID_S) + middle
    pause = timedelta(seconds=DRAIN_GRID_S) if isinstance(sample.outcome, Value) else DRAIN_POLL
    return floor_instant(sample.at - middle, DRAIN_GRID_S) + middle + pause
