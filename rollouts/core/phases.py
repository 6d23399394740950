"""The state machine: every transition there is, in one table.

A Canary is in one phase. At each step exactly one event is found in what was observed (`resting.py`, `running.py`,
`promoting.py` and `leaving.py` look for it), and the row (phase, event) says which phase follows and what share of the
traffic the canary is meant to have from then on. There is no other place that changes the phase or the desired weight,
and a pair without a row is never found.

The life of a release: a new revision of the target is seen (NEW_REVISION), its pods become ready and it gets its first
weight (ADVANCE), each judged step that passes gives the next one, after the last the primary is made the same
(STEPS_PASSED), when that is ready all traffic returns to it (PRIMARY_READY), and when the canary has fallen silent it
is scaled down (DRAINED). Gates may hold it: before it starts (GATED), at a step (HELD), before the promotion
(PROMOTION_GATED).

A rollback is not an error path. It is the row (phase, ROLLBACK): weight 0 in the same step that found the reason,
whatever the metrics, the pods or a notifier do. Only where the stable side has no pod that serves does the canary
keep what it has (STRANDED).

Where two workloads of the user swap their roles, the one that is proven stays as it is and becomes the one that serves
(SWAPPED); the one that served drains, and may be called back (UNDONE).

A Canary that is deleted goes from any phase to Terminating (DELETED), gives its target the traffic (HANDED_BACK), and
is let go when nothing of it is left (RELEASED).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from rollouts.api.status import Phase

STEPPING = frozenset({Phase.PROGRESSING, Phase.WAITING_PROMOTION})
"""Phases in which the canary is judged."""
WITH_WEIGHT = STEPPING | {Phase.PROMOTING}
"""Phases in which the canary may have traffic in the ordinary course of a release."""
MID_RUN = WITH_WEIGHT | {Phase.WAITING, Phase.FINALISING}
"""Phases from the first news of a revision to the end of its release."""
ENDS = frozenset({Phase.SUCCEEDED, Phase.FAILED})
"""Phases in which a release is over."""


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
    GATED = "Gated"
    """As NEW_REVISION, but it may not start yet: somebody has to confirm that, or it is held."""
    CONFIRMED = "Confirmed"
    """That gate is open, and nothing else holds it."""
    REVERTED = "Reverted"
    """In mid-run the target went back to the revision that was promoted last."""
    SUPERSEDED = "Superseded"
    """The target changed before the primary got the revision that had passed."""
    RESCUE = "Rescue"
    """A new revision, while the canary has traffic that the primary can't serve."""
    ADVANCE = "Advance"
    """The canary is ready for its first weight, or the step passed its judgement."""
    CHECK_PASSED = "CheckPassed"
    """A judgement passed, and the step takes more of them, or more time, or waits at a gate."""
    HELD = "Held"
    """The step is passed, and the gate before more weight is closed, or a window, a freeze or a limit holds it."""
    PROMOTION_GATED = "PromotionGated"
    """All that comes before the promotion is passed, and its gate is closed."""
    CHECK_FAILED = "CheckFailed"
    """A judgement failed, and the threshold is not reached."""
    UNDECIDED = "Undecided"
    """A judgement was due, and there was no data or no answer; or it passed, and something else holds the weight."""
    CANARY_LOST = "CanaryLost"
    """No pod of the canary is available while it has weight."""
    STEPS_PASSED = "StepsPassed"
    """The last step passed its judgement."""
    SHIFTED = "Shifted"
    """The primary runs the proven revision, and the next part of the traffic returns to it."""
    PRIMARY_READY = "PrimaryReady"
    """The primary runs the proven revision and is ready for all traffic."""
    SWAPPED = "Swapped"
    """Of two workloads of the user, the one that is proven takes the role of the other, and all traffic."""
    UNDONE = "Undone"
    """A person wants the version before, which the other of the two workloads still has."""
    STABLE_CHANGED = "StableChanged"
    """Of two workloads of the user, somebody changed the one that serves."""
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
    APPROVED = "Approved"
    """A person opens the gate that the release waits at."""
    OVERRIDDEN = "Overridden"
    """A person lets this release pass whatever windows, freeze and limit say."""
    WEIGHT_SET = "WeightSet"
    """A person gives the canary another weight."""
    REFUSED = "ActionRefused"
    """A person asked for what can't be done now."""

    DELETED = "Deleted"
    """The Canary is deleted, and the stable side has all traffic until the target can take it."""
    HANDED_BACK = "HandedBack"
    """The Canary is deleted, and the target gets all traffic: it has its pods, or is the one side that serves."""
    RELEASED = "Released"
    """Nothing is left that was made for a deleted Canary."""
    GIVEN_UP = "GivenUp"
    """A deleted Canary is let go as it is: its target is gone, or could not take the traffic in time."""


class Share(StrEnum):
    """What a transition does to the canary's desired weight."""

    KEEP = "keep"
    NONE = "none"
    NEXT = "next"
    BACK = "back"
    ASKED = "asked"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Row:
    """Where an event leads."""

    to: Phase
    share: Share


_I, _R, _W, _P = Phase.INITIALIZING, Phase.INITIALIZED, Phase.WAITING, Phase.PROGRESSING
_V, _M, _Z = Phase.WAITING_PROMOTION, Phase.PROMOTING, Phase.FINALISING
_S, _F, _T = Phase.SUCCEEDED, Phase.FAILED, Phase.TERMINATING
_LIVING = tuple(phase for phase in Phase if phase is not _T)

TRANSITIONS: Mapping[tuple[Phase, Event], Row] = MappingProxyType({
    (_I, Event.BLOCKED):         Row(_I, Share.KEEP),
    (_I, Event.WAITED):          Row(_I, Share.KEEP),
    (_I, Event.REFUSED):         Row(_I, Share.KEEP),
    (_I, Event.PREPARED):        Row(_R, Share.NONE),
    (_R, Event.BLOCKED):         Row(_R, Share.KEEP),
    (_R, Event.WAITED):          Row(_R, Share.KEEP),
    (_R, Event.REFUSED):         Row(_R, Share.KEEP),
    (_R, Event.DRAINED):         Row(_R, Share.KEEP),
    (_R, Event.NEW_REVISION):    Row(_P, Share.NONE),
    (_R, Event.GATED):           Row(_W, Share.NONE),
    (_W, Event.BLOCKED):         Row(_W, Share.KEEP),
    (_W, Event.WAITED):          Row(_W, Share.KEEP),
    (_W, Event.REFUSED):         Row(_W, Share.KEEP),
    (_W, Event.APPROVED):        Row(_W, Share.KEEP),
    (_W, Event.OVERRIDDEN):      Row(_W, Share.KEEP),
    (_W, Event.HELD):            Row(_W, Share.KEEP),
    (_W, Event.DRAINED):         Row(_W, Share.KEEP),
    (_W, Event.GATED):           Row(_W, Share.NONE),
    (_W, Event.CONFIRMED):       Row(_P, Share.NONE),
    (_W, Event.REVERTED):        Row(_S, Share.NONE),
    (_W, Event.ROLLBACK):        Row(_F, Share.NONE),
    (_P, Event.BLOCKED):         Row(_P, Share.KEEP),
    (_P, Event.WAITED):          Row(_P, Share.KEEP),
    (_P, Event.REFUSED):         Row(_P, Share.KEEP),
    (_P, Event.PAUSED):          Row(_P, Share.KEEP),
    (_P, Event.RESUMED):         Row(_P, Share.KEEP),
    (_P, Event.APPROVED):        Row(_P, Share.KEEP),
    (_P, Event.OVERRIDDEN):      Row(_P, Share.KEEP),
    (_P, Event.WEIGHT_SET):      Row(_P, Share.ASKED),
    (_P, Event.ADVANCE):         Row(_P, Share.NEXT),
    (_P, Event.CHECK_PASSED):    Row(_P, Share.KEEP),
    (_P, Event.CHECK_FAILED):    Row(_P, Share.KEEP),
    (_P, Event.UNDECIDED):       Row(_P, Share.KEEP),
    (_P, Event.HELD):            Row(_P, Share.KEEP),
    (_P, Event.CANARY_LOST):     Row(_P, Share.NONE),
    (_P, Event.NEW_REVISION):    Row(_P, Share.NONE),
    (_P, Event.GATED):           Row(_W, Share.NONE),
    (_P, Event.DRAINED):         Row(_P, Share.KEEP),
    (_P, Event.RESCUE):          Row(_P, Share.KEEP),
    (_P, Event.REVERTED):        Row(_S, Share.NONE),
    (_P, Event.PROMOTION_GATED): Row(_V, Share.KEEP),
    (_P, Event.STEPS_PASSED):    Row(_M, Share.KEEP),
    (_P, Event.ROLLBACK):        Row(_F, Share.NONE),
    (_P, Event.STRANDED):        Row(_F, Share.ALL),
    (_V, Event.BLOCKED):         Row(_V, Share.KEEP),
    (_V, Event.WAITED):          Row(_V, Share.KEEP),
    (_V, Event.REFUSED):         Row(_V, Share.KEEP),
    (_V, Event.PAUSED):          Row(_V, Share.KEEP),
    (_V, Event.RESUMED):         Row(_V, Share.KEEP),
    (_V, Event.APPROVED):        Row(_V, Share.KEEP),
    (_V, Event.OVERRIDDEN):      Row(_V, Share.KEEP),
    (_V, Event.ADVANCE):         Row(_P, Share.NEXT),
    (_V, Event.HELD):            Row(_P, Share.KEEP),
    (_V, Event.CHECK_PASSED):    Row(_V, Share.KEEP),
    (_V, Event.CHECK_FAILED):    Row(_V, Share.KEEP),
    (_V, Event.UNDECIDED):       Row(_V, Share.KEEP),
    (_V, Event.CANARY_LOST):     Row(_P, Share.NONE),
    (_V, Event.NEW_REVISION):    Row(_P, Share.NONE),
    (_V, Event.GATED):           Row(_W, Share.NONE),
    (_V, Event.RESCUE):          Row(_P, Share.KEEP),
    (_V, Event.REVERTED):        Row(_S, Share.NONE),
    (_V, Event.STEPS_PASSED):    Row(_M, Share.KEEP),
    (_V, Event.ROLLBACK):        Row(_F, Share.NONE),
    (_V, Event.STRANDED):        Row(_F, Share.ALL),
    (_M, Event.BLOCKED):         Row(_M, Share.KEEP),
    (_M, Event.WAITED):          Row(_M, Share.KEEP),
    (_M, Event.REFUSED):         Row(_M, Share.KEEP),
    (_M, Event.SHIFTED):         Row(_M, Share.BACK),
    (_M, Event.CANARY_LOST):     Row(_M, Share.NONE),
    (_M, Event.NEW_REVISION):    Row(_M, Share.NONE),
    (_M, Event.GATED):           Row(_W, Share.NONE),
    (_M, Event.RESCUE):          Row(_P, Share.KEEP),
    (_M, Event.REVERTED):        Row(_S, Share.NONE),
    (_M, Event.SUPERSEDED):      Row(_P, Share.NONE),
    (_M, Event.PRIMARY_READY):   Row(_Z, Share.NONE),
    (_M, Event.SWAPPED):         Row(_Z, Share.NONE),
    (_M, Event.ROLLBACK):        Row(_F, Share.NONE),
    (_M, Event.STRANDED):        Row(_F, Share.ALL),
    (_Z, Event.BLOCKED):         Row(_Z, Share.KEEP),
    (_Z, Event.WAITED):          Row(_Z, Share.KEEP),
    (_Z, Event.REFUSED):         Row(_Z, Share.KEEP),
    (_Z, Event.DRAINED):         Row(_S, Share.NONE),
    (_Z, Event.UNDONE):          Row(_M, Share.NONE),
    (_S, Event.BLOCKED):         Row(_S, Share.KEEP),
    (_S, Event.WAITED):          Row(_S, Share.KEEP),
    (_S, Event.REFUSED):         Row(_S, Share.KEEP),
    (_S, Event.DRAINED):         Row(_S, Share.KEEP),
    (_S, Event.UNDONE):          Row(_M, Share.NONE),
    (_S, Event.NEW_REVISION):    Row(_P, Share.NONE),
    (_S, Event.GATED):           Row(_W, Share.NONE),
    (_F, Event.BLOCKED):         Row(_F, Share.KEEP),
    (_F, Event.WAITED):          Row(_F, Share.KEEP),
    (_F, Event.REFUSED):         Row(_F, Share.KEEP),
    (_F, Event.DRAINED):         Row(_F, Share.KEEP),
    (_F, Event.NEW_REVISION):    Row(_P, Share.NONE),
    (_F, Event.GATED):           Row(_W, Share.NONE),
    (_F, Event.RESCUE):          Row(_P, Share.KEEP),
    (_F, Event.ROLLBACK):        Row(_F, Share.NONE),
    **{(phase, Event.STABLE_CHANGED): Row(phase, Share.KEEP) for phase in _LIVING if phase is not _I},
    **{(phase, Event.DELETED): Row(_T, Share.NONE) for phase in _LIVING},
    **{(phase, Event.HANDED_BACK): Row(_T, Share.ALL) for phase in _LIVING},
    (_T, Event.WAITED):          Row(_T, Share.KEEP),
    (_T, Event.REFUSED):         Row(_T, Share.KEEP),
    (_T, Event.HANDED_BACK):     Row(_T, Share.ALL),
    (_T, Event.DRAINED):         Row(_T, Share.KEEP),
    (_T, Event.RELEASED):        Row(_T, Share.KEEP),
    (_T, Event.GIVEN_UP):        Row(_T, Share.KEEP),
})  # fmt: skip
