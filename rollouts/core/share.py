"""The share that the canary really gets: when it is asked for, and what the answers mean for the release.

A weight is confirmed by the requests before the next one, and before the promotion. One that does not arrive holds the
release, and is asked for again at each judgement; nothing that takes requests from the canary looks here. Requests
that don't tell, or a source that does not, hold nothing by themselves, but for a weight that was refuted before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from rollouts.api.analysis import ShareCheck
from rollouts.api.canary import CanarySpec
from rollouts.api.hooks import HookType
from rollouts.api.status import SHARE_MAX, CanaryStatus, ShareStatus
from rollouts.api.texts import cut
from rollouts.core.finding import missing, newest
from rollouts.core.grid import floor_window
from rollouts.core.in_force import Counted, Expected, InForce, Kind, NotInForce, Unknown, Verdict, compare
from rollouts.core.measurement import Answer, Probe, Question, Rejected, Signal, Subject, Unreachable, Value
from rollouts.core.observed import Observed, Problem
from rollouts.core.phases import STEPPING

_IN_FORCE: Mapping[type[Verdict], bool | None] = MappingProxyType({InForce: True, NotInForce: False, Unknown: None})
LOOK_BACK_MIN_S = 30.0
"""Two scrapes of a usual metric source, where the interval is shorter."""


@dataclass(frozen=True, slots=True)
class Share:
    """What is known of the canary's share at one judgement."""

    told: ShareStatus | None = None
    """What the status is to say of it; None where there is nothing to confirm, or nobody has looked yet."""
    asks: tuple[Question, ...] = ()
    """What is to be answered before the weight may grow."""


NOTHING = Share()
"""There is nothing to confirm."""


def expected_of(spec: CanarySpec, status: CanaryStatus) -> Expected | None:
    """What the requests should show at the present weight; None where that is nothing, or nobody is to look."""
    analysis = spec.analysis
    if analysis.share_check is ShareCheck.NONE:
        return None
    if status.mirrored:
        return Expected((analysis.mirror_weight or 100) / 100, Kind.COPIES)
    if status.desired_weight == 0:
        return None
    share = status.desired_weight / status.weight_total
    if analysis.match or any(ref.rules for ref in spec.route_refs):
        # How many requests are of that sort, or come by those rules, nobody counts.
        return Expected(share, Kind.PERHAPS)
    testers = any(ref.canary_rules for ref in spec.route_refs)
    if testers or analysis.session_affinity is not None or analysis.share_check is ShareCheck.SOME:
        return Expected(share, Kind.SOME)
    return Expected(share, unlimited=bool(analysis.hooks(HookType.ROLLOUT) or analysis.hooks(HookType.PRE_ROLLOUT)))


def refutes(share: ShareStatus | None, status: CanaryStatus) -> bool:
    """Whether what was told is of the present weight, and against it."""
    return share is not None and share.in_force is False and share.weight == status.desired_weight


def is_refuted(spec: CanarySpec, status: CanaryStatus, share: ShareStatus | None) -> bool:
    """Whether what was told of the share says that the present weight is not in force."""
    return refutes(share, status) and status.phase in STEPPING and expected_of(spec, status) is not None


def problem_of(spec: CanarySpec, status: CanaryStatus, share: ShareStatus | None) -> Problem | None:
    """What is to be mended before the weight may grow."""
    refuted = share is not None and is_refuted(spec, status, share)
    return Problem("WeightNotInForce", share.message) if share is not None and refuted else None


def look(spec: CanarySpec, status: CanaryStatus, seen: Observed, *, due_at: datetime, fresh_from: datetime) -> Share:
    """The share at the judgement that is due then. No window begins before the dwell: the weight was another there."""
    expected, began = expected_of(spec, status), status.dwell_started_at
    if expected is None or began is None:
        return NOTHING
    window_s = min((due_at - began).total_seconds(), max(spec.analysis.interval_s, LOOK_BACK_MIN_S))
    window_s = floor_window(window_s, seen.grid_s)
    probes = tuple(Probe(Signal.REQUESTS, side, max(1.0, window_s)) for side in (Subject.CANARY, Subject.STABLE))
    canary, primary = (newest(seen.samples, probe, fresh_from) for probe in probes)
    if canary is None or primary is None:
        return Share(status.share, missing(seen.samples, probes, fresh_from))
    verdict = _verdict(expected, canary.outcome, primary.outcome, window_s)
    if isinstance(verdict, Unknown) and is_refuted(spec, status, status.share):
        # What was seen not to arrive is not taken as done because nobody calls any more.
        return Share(status.share)
    return Share(ShareStatus(
        weight=status.desired_weight, in_force=_IN_FORCE[type(verdict)], message=cut(verdict.message, SHARE_MAX),
    ))  # fmt: skip


def _verdict(expected: Expected, canary: Answer, primary: Answer, window_s: float) -> Verdict:
    match canary, primary:
        case Value(of_canary), Value(of_primary):
            return compare(expected, Counted(of_canary, of_primary, window_s))
        case (Unreachable(reason) | Rejected(reason), _) | (_, Unreachable(reason) | Rejected(reason)):
            return Unknown(f"the requests of both sides could not be counted: {reason}")
        case _:
            return Unknown(
                f"the requests of the last {window_s:g} s could not be counted: that takes two scrapes of each "
                "pod, so interval or stepDwells must be longer, or scrapes more frequent"
            )
