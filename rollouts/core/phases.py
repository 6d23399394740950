"""The state machine: every transition there is, in one table.

A Canary is in one phase. At each step exactly one event is found in what was observed (`resting.py`, `running.py` and
`promoting.py` look for it), and the row (phase, event) says which phase follows and what share of the traffic the
canary is meant to have from then on. There is no other place that changes the phase or the desired weight, and a pair
without a row is never found.

The life of a release: a new revision of the target is seen (NEW_REVISION), its pods become ready and it gets its first
weight (ADVANCE), each judged step that passes gives the next one, after the last the primary is made the same
(STEPS_PASSED), when that is ready all traffic returns to it (PRIMARY_READY), and when the canary has fallen silent it
is scaled down (DRAINED).

A rollback is not an error path. It is the row (phase, ROLLBACK): weight 0 in the same step that found the reason,
whatever the metrics, the pods or a notifier do. Only where the stable side has no pod that serves does the canary
keep what it has (STRANDED).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from rollouts.api.status import Phase


class Event(StrEnum):
    """What was found in one observation."""

    BLOCKED = "Blocked"
    """Something outside must be mended first."""
    WAITED = "Waited"
    """Nothing new: still waiting for pods, dwell, answers or silence."""
    PREPARED = "Prepared"
    """The primary serves, and the routes send everything to it."""
    NEW_REVISION = "NewRevision"
    """The target's template is not the one that was released last."""
    REVERTED = "Reverted"
    """In mid-run the target went back to the revision that was promoted last."""
    SUPERSEDED = "Superseded"
    """The target changed before the primary got the revision that had passed."""
    RESCUE = "Rescue"
    """A new revision, while the canary has traffic that the primary can't serve."""
    ADVANCE = "Advance"
    """The canary is ready for its first weight, or the step passed its judgement."""
    CHECK_FAILED = "CheckFailed"
    """A judgement failed, and the threshold is not reached."""
    UNDECIDED = "Undecided"
    """A judgement was due, and there was no data or no answer; or it passed, and something else holds the weight."""
    CANARY_LOST = "CanaryLost"
    """No pod of the canary is available while it has weight."""
    STEPS_PASSED = "StepsPassed"
    """The last step passed its judgement."""
    PRIMARY_READY = "PrimaryReady"
    """The primary runs the proven revision and is ready."""
    DRAINED = "Drained"
    """The canary has no weight and no request any more, or the drain time is over."""
    ROLLBACK = "Rollback"
    """Threshold or deadline reached, or the target is gone; the stable side can serve."""
    STRANDED = "Stranded"
    """As ROLLBACK, but the canary is the side that can serve: the primary has no pod, or its promotion failed."""

    PAUSED = "Paused"
    """A person holds the weight."""
    RESUMED = "Resumed"
    """A person lets it go on."""
    REFUSED = "ActionRefused"
    """A person asked for what can't be done now."""


class Share(StrEnum):
    """What a transition does to the canary's desired weight."""

    KEEP = "keep"
    NONE = "none"
    NEXT = "next"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Row:
    """Where an event leads."""

    to: Phase
    share: Share


_I, _R, _P = Phase.INITIALIZING, Phase.INITIALIZED, Phase.PROGRESSING
_M, _Z, _S, _F = Phase.PROMOTING, Phase.FINALISING, Phase.SUCCEEDED, Phase.FAILED

TRANSITIONS: Mapping[tuple[Phase, Event], Row] = MappingProxyType({
    (_I, Event.BLOCKED):       Row(_I, Share.KEEP),
    (_I, Event.WAITED):        Row(_I, Share.KEEP),
    (_I, Event.REFUSED):       Row(_I, Share.KEEP),
    (_I, Event.PREPARED):      Row(_R, Share.NONE),
    (_R, Event.BLOCKED):       Row(_R, Share.KEEP),
    (_R, Event.WAITED):        Row(_R, Share.KEEP),
    (_R, Event.REFUSED):       Row(_R, Share.KEEP),
    (_R, Event.DRAINED):       Row(_R, Share.KEEP),
    (_R, Event.NEW_REVISION):  Row(_P, Share.NONE),
    (_P, Event.BLOCKED):       Row(_P, Share.KEEP),
    (_P, Event.WAITED):        Row(_P, Share.KEEP),
    (_P, Event.REFUSED):       Row(_P, Share.KEEP),
    (_P, Event.PAUSED):        Row(_P, Share.KEEP),
    (_P, Event.RESUMED):       Row(_P, Share.KEEP),
    (_P, Event.ADVANCE):       Row(_P, Share.NEXT),
    (_P, Event.CHECK_FAILED):  Row(_P, Share.KEEP),
    (_P, Event.UNDECIDED):     Row(_P, Share.KEEP),
    (_P, Event.CANARY_LOST):   Row(_P, Share.NONE),
    (_P, Event.NEW_REVISION):  Row(_P, Share.NONE),
    (_P, Event.RESCUE):        Row(_P, Share.KEEP),
    (_P, Event.REVERTED):      Row(_S, Share.NONE),
    (_P, Event.STEPS_PASSED):  Row(_M, Share.KEEP),
    (_P, Event.ROLLBACK):      Row(_F, Share.NONE),
    (_P, Event.STRANDED):      Row(_F, Share.ALL),
    (_M, Event.BLOCKED):       Row(_M, Share.KEEP),
    (_M, Event.WAITED):        Row(_M, Share.KEEP),
    (_M, Event.REFUSED):       Row(_M, Share.KEEP),
    (_M, Event.NEW_REVISION):  Row(_M, Share.NONE),
    (_M, Event.RESCUE):        Row(_P, Share.KEEP),
    (_M, Event.REVERTED):      Row(_S, Share.NONE),
    (_M, Event.SUPERSEDED):    Row(_P, Share.NONE),
    (_M, Event.PRIMARY_READY): Row(_Z, Share.NONE),
    (_M, Event.ROLLBACK):      Row(_F, Share.NONE),
    (_M, Event.STRANDED):      Row(_F, Share.ALL),
    (_Z, Event.BLOCKED):       Row(_Z, Share.KEEP),
    (_Z, Event.WAITED):        Row(_Z, Share.KEEP),
    (_Z, Event.REFUSED):       Row(_Z, Share.KEEP),
    (_Z, Event.DRAINED):       Row(_S, Share.NONE),
    (_S, Event.BLOCKED):       Row(_S, Share.KEEP),
    (_S, Event.WAITED):        Row(_S, Share.KEEP),
    (_S, Event.REFUSED):       Row(_S, Share.KEEP),
    (_S, Event.DRAINED):       Row(_S, Share.KEEP),
    (_S, Event.NEW_REVISION):  Row(_P, Share.NONE),
    (_F, Event.BLOCKED):       Row(_F, Share.KEEP),
    (_F, Event.WAITED):        Row(_F, Share.KEEP),
    (_F, Event.REFUSED):       Row(_F, Share.KEEP),
    (_F, Event.DRAINED):       Row(_F, Share.KEEP),
    (_F, Event.NEW_REVISION):  Row(_P, Share.NONE),
    (_F, Event.RESCUE):        Row(_P, Share.KEEP),
    (_F, Event.ROLLBACK):      Row(_F, Share.NONE),
})  # fmt: skip
