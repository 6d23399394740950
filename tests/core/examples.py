"""One example of each row of the table: a spec, a status and an observation in which `step` finds that event."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from rollouts.api.actions import Action, Verb
from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.decision import Decision
from rollouts.core.measurement import NoData
from rollouts.core.no_data import STABLE_RATE
from rollouts.core.observed import Hold, Observed, Problem
from rollouts.core.phases import Event
from rollouts.core.resting import SILENCE
from rollouts.core.step import step
from tests.core.given import (
    DURATION,
    EPOCH,
    SUCCESS,
    bad,
    by_hand,
    callers,
    copy,
    gate_at,
    good,
    passed_at,
    pods,
    running,
    sample,
    seen_at,
    spec_of,
    status_in,
)
from tests.core.leaving_examples import LEAVING
from tests.core.swap_examples import SWAPPING

CLOSED = Hold("OutsideWindow", "no release window is open", steps=True)
PROBLEM = Problem("PortMissing", "Service app has no port 80")
NO_DATA = (
    sample(SUCCESS, 10, NoData()), sample(DURATION, 10, NoData()), sample(STABLE_RATE, 10, 0.0), *callers(10),
)  # fmt: skip
DEAD: dict[str, Any] = {"available": 0, "replicas": 2, "ready": False}
GATE = "confirm-promotion"
SPEC = spec_of(threshold=2)
CONFIRMED = spec_of(threshold=2, webhooks=[by_hand("confirm-rollout")])
HELD = spec_of(threshold=2, webhooks=[by_hand("confirm-traffic-increase")])
PROMOTED = spec_of(threshold=2, webhooks=[by_hand(GATE), by_hand("confirm-rollout")])
LONGER = spec_of(threshold=2, stepWeights=[50, 80], webhooks=[by_hand("confirm-traffic-increase")])
BLUE_GREEN = spec_of(threshold=2, iterations=2, webhooks=[by_hand(GATE)])
SLOW = spec_of(threshold=2, stepWeights=[10, 20], stepDwells=["60s"])
BACK = spec_of(threshold=2, stepWeightPromotion=20)


@dataclass(frozen=True, slots=True)
class Example:
    """The three arguments of `step`."""

    status: CanaryStatus
    seen: Observed
    spec: CanarySpec = SPEC

    def asked(self, verb: str, **fields: Any) -> Example:
        """The same, with an action asked for."""
        return replace(self, seen=replace(self.seen, actions=(Action(verb=Verb(verb), id="1", user="ann", **fields),)))

    def decide(self) -> Decision:
        """What `step` says to it."""
        return step(self.spec, self.status, self.seen)


def _progressing(weight: int = 10, seconds: float = 10, *, failed: int = 0, **seen: Any) -> Example:
    return Example(running(weight, failed_checks=failed), seen_at(seconds, **{"route_weight": weight, **seen}))


def _at_promotion(spec: CanarySpec = PROMOTED, *, failed: int = 0, seconds: float = 20, **seen: Any) -> Example:
    """All steps passed at second 10, and confirm-promotion is closed since."""
    status = running(
        50, phase=Phase.WAITING_PROMOTION, gate=gate_at(GATE, 10), metrics=passed_at(10), last_check_at=EPOCH,
        failed_checks=failed, iterations=1,
    )  # fmt: skip
    return Example(status, seen_at(seconds, **{"route_weight": 50, **seen}), spec)


def _promoting(seconds: float = 10, spec: CanarySpec = SPEC, **seen: Any) -> Example:
    status = running(50, phase=Phase.PROMOTING, not_ready_since=EPOCH)
    return Example(status, seen_at(seconds, **{"route_weight": 50, **seen}), spec)


def _waiting(seconds: float = 5, spec: CanarySpec = CONFIRMED, **seen: Any) -> Example:
    gate = gate_at("confirm-rollout")
    status = running(0, phase=Phase.WAITING, gate=gate, drain_started_at=EPOCH)
    return Example(status, seen_at(seconds, **seen), spec)


def _resting(phase: Phase) -> dict[Event, Example]:
    status = status_in(phase, last_applied_spec="b", drained=False)
    draining = status.model_copy(update={"drain_started_at": EPOCH})
    return {
        Event.BLOCKED: Example(status, seen_at(0, problem=PROBLEM)),
        Event.WAITED: Example(status, seen_at(0)),
        Event.REFUSED: Example(status, seen_at(0)).asked("pause"),
        Event.DRAINED: Example(draining, seen_at(2, samples=(sample(SILENCE, 2, 0.0),))),
        Event.NEW_REVISION: Example(status, seen_at(0, target=pods("c"))),
        Event.GATED: Example(status, seen_at(0, target=pods("c")), CONFIRMED),
    }


def _paused(example: Example) -> Example:
    return replace(example, status=example.status.model_copy(update={"paused_at": EPOCH}))


EXAMPLES: dict[Phase, dict[Event, Example]] = {
    Phase.INITIALIZING: {
        Event.BLOCKED: Example(status_in(None), seen_at(0, primary=None, route_weight=None, problem=PROBLEM)),
        Event.WAITED: Example(status_in(None), seen_at(0, primary=None, route_weight=None)),
        Event.PREPARED: Example(status_in(Phase.INITIALIZING), seen_at(0)),
        Event.REFUSED: Example(status_in(Phase.INITIALIZING), seen_at(0)).asked("abort"),
    },
    Phase.INITIALIZED: _resting(Phase.INITIALIZED),
    Phase.WAITING: {
        Event.BLOCKED: _waiting(problem=PROBLEM),
        Event.WAITED: _waiting(),
        Event.REFUSED: _waiting().asked("pause"),
        Event.APPROVED: _waiting().asked("approve"),
        Event.OVERRIDDEN: _waiting(holds=(CLOSED,)).asked("override"),
        Event.HELD: _waiting(holds=(CLOSED,)),
        Event.DRAINED: _waiting(2, samples=(sample(SILENCE, 2, 0.0),)),
        Event.GATED: _waiting(target=pods("c")),
        Event.CONFIRMED: _waiting(spec=SPEC),
        Event.REVERTED: _waiting(target=pods("a")),
        Event.ROLLBACK: _waiting().asked("reject"),
    },
    Phase.PROGRESSING: {
        Event.BLOCKED: _progressing(samples=good(10), problem=PROBLEM),
        Event.WAITED: _progressing(seconds=5),
        Event.REFUSED: _progressing().asked("resume"),
        Event.PAUSED: _progressing().asked("pause"),
        Event.RESUMED: _paused(_progressing()).asked("resume"),
        Event.APPROVED: Example(
            running(10, gate=gate_at("confirm-traffic-increase", 5)), seen_at(10, route_weight=10), HELD
        ).asked("approve"),
        Event.OVERRIDDEN: _progressing(holds=(CLOSED,)).asked("override"),
        Event.WEIGHT_SET: _progressing().asked("set-weight", weight=40),
        Event.ADVANCE: _progressing(samples=good(10)),
        Event.CHECK_PASSED: replace(_progressing(samples=good(10)), spec=SLOW),
        Event.CHECK_FAILED: _progressing(samples=bad(10)),
        Event.UNDECIDED: _progressing(samples=NO_DATA),
        Event.HELD: replace(_progressing(samples=good(10)), spec=HELD),
        Event.CANARY_LOST: _progressing(target=pods("b", **DEAD)),
        Event.NEW_REVISION: _progressing(target=pods("c")),
        Event.DRAINED: Example(
            running(0, replacing=True, drain_started_at=EPOCH), seen_at(2, samples=(sample(SILENCE, 2, 0.0),))
        ),
        Event.GATED: replace(_progressing(target=pods("c")), spec=CONFIRMED),
        Event.RESCUE: _progressing(target=pods("c"), primary=copy("a", **DEAD)),
        Event.REVERTED: _progressing(target=pods("a")),
        Event.PROMOTION_GATED: replace(_progressing(50, samples=good(10)), spec=PROMOTED),
        Event.STEPS_PASSED: _progressing(50, samples=good(10)),
        Event.ROLLBACK: _progressing(failed=1, samples=bad(10)),
        Event.STRANDED: _progressing(failed=1, samples=bad(10), primary=copy("a", **DEAD)),
    },
    Phase.WAITING_PROMOTION: {
        Event.BLOCKED: _at_promotion(samples=good(20), problem=PROBLEM),
        Event.WAITED: _at_promotion(seconds=5),
        Event.REFUSED: _at_promotion().asked("retry"),
        Event.PAUSED: _at_promotion().asked("pause"),
        Event.RESUMED: _paused(_at_promotion()).asked("resume"),
        Event.APPROVED: _at_promotion().asked("approve"),
        Event.OVERRIDDEN: _at_promotion(holds=(CLOSED,)).asked("override"),
        Event.ADVANCE: Example(
            running(
                0, phase=Phase.WAITING_PROMOTION, strategy="BlueGreen", step_index=1, iterations=2,
                dwell_started_at=EPOCH, last_check_at=EPOCH,
            ),
            seen_at(20), BLUE_GREEN,
        ).asked("promote"),
        Event.CHECK_PASSED: _at_promotion(samples=good(20)),
        Event.CHECK_FAILED: _at_promotion(samples=bad(20)),
        Event.UNDECIDED: _at_promotion(
            samples=(
                sample(SUCCESS, 20, NoData()),
                sample(DURATION, 20, NoData()),
                sample(STABLE_RATE, 20, 0.0),
                *callers(20),
            )
        ),
        Event.HELD: _at_promotion(LONGER, samples=good(20)),
        Event.CANARY_LOST: _at_promotion(target=pods("b", **DEAD)),
        Event.NEW_REVISION: _at_promotion(SPEC, target=pods("c")),
        Event.GATED: _at_promotion(target=pods("c")),
        Event.RESCUE: _at_promotion(target=pods("c"), primary=copy("a", **DEAD)),
        Event.REVERTED: _at_promotion(target=pods("a")),
        Event.STEPS_PASSED: _at_promotion(SPEC, samples=good(20)),
        Event.ROLLBACK: _at_promotion().asked("reject"),
        Event.STRANDED: _at_promotion(failed=1, samples=bad(20), primary=copy("a", **DEAD)),
    },
    Phase.PROMOTING: {
        Event.BLOCKED: _promoting(problem=PROBLEM),
        Event.WAITED: _promoting(),
        Event.REFUSED: _promoting().asked("promote"),
        Event.SHIFTED: _promoting(spec=BACK, primary=copy("b")),
        Event.NEW_REVISION: _promoting(target=pods("c"), primary=copy("b", ready=False)),
        Event.GATED: _promoting(spec=CONFIRMED, target=pods("c")),
        Event.RESCUE: _promoting(target=pods("c"), primary=copy("a", **DEAD)),
        Event.REVERTED: _promoting(target=pods("a")),
        Event.SUPERSEDED: _promoting(target=pods("c")),
        Event.PRIMARY_READY: _promoting(primary=copy("b")),
        Event.CANARY_LOST: _promoting(target=pods("b", **DEAD), primary=copy("b", ready=False)),
        Event.ROLLBACK: _promoting(target=None),
        Event.STRANDED: _promoting(60, primary=copy("b", ready=False)),
    },
    Phase.FINALISING: {
        event: example for event, example in _resting(Phase.FINALISING).items()
        if event not in {Event.NEW_REVISION, Event.GATED}
    },
    Phase.SUCCEEDED: _resting(Phase.SUCCEEDED),
    Phase.FAILED: _resting(Phase.FAILED) | {
        Event.RESCUE: Example(
            running(100, phase=Phase.FAILED), seen_at(0, target=pods("c"), primary=copy("b", ready=False)),
        ),
        Event.ROLLBACK: Example(running(100, phase=Phase.FAILED), seen_at(0)),
    },
}  # fmt: skip
for ended, endings in LEAVING.items():
    EXAMPLES.setdefault(ended, {}).update({event: Example(*told) for event, told in endings.items()})
for swapping, found in SWAPPING.items():
    EXAMPLES[swapping].update({event: Example(status, seen, spec) for event, (status, seen, spec) in found.items()})
PAIRS = [(phase, event) for phase, examples in EXAMPLES.items() for event in examples]
