"""How each Canary must have ended once nothing goes wrong any more, and within which time."""

from __future__ import annotations

from rollouts.api.resources import CANARIES, DESTINATION_RULES, SERVICES, ObjectKey
from rollouts.api.status import CanaryStatus, Phase, Verdict
from rollouts.core.revision import revision_of
from rollouts.engine.supervisor import BACKOFF_MAX_S
from rollouts.engine.work import REFUSED_RETRY
from rollouts.testing.memory_server import MemoryServer
from tests.sim.deletion import is_deleted, not_given_back
from tests.sim.effects import DRAIN_S
from tests.sim.ledger import RUNNING, Ledger, image_of, place_of, side_of
from tests.sim.meaning import CONFIRM_ROLLOUT, GATES, ROLLBACK, Meaning, Step
from tests.sim.plan import BAD, NAMESPACE, SILENT, SLOW, STUCK, CanaryPlan, kind_of
from tests.sim.workloads import replicas_of, stored, template_of

RESTING = frozenset({Phase.INITIALIZED, Phase.SUCCEEDED, Phase.FAILED})
NO_DATA_INTERVALS = 3
ENDED_WELL, ENDED_BADLY, HELD = "promoted", "failed", "held"


def bound_s(plan: CanaryPlan, meaning: Meaning) -> float:
    """The longest that a release may take in calm: each step, check, gate and deadline, and one back-off."""
    steps_s = sum(meaning.least_s(step.weight) + meaning.interval_s + 30.0 for step in meaning.steps)
    checks_s = (meaning.threshold + NO_DATA_INTERVALS + 2) * (meaning.interval_s + 5.0)
    back_s = 0.0 if meaning.back is None else (100 / meaning.back + 1) * (meaning.interval_s + 1.0)
    gates_s = sum((hook.deadline_s or 0.0) + 15.0 for hook in meaning.of_kind(*GATES)) * (len(meaning.steps) + 1)
    pods_s = 4 * max(2, plan.replicas) * plan.startup_s * 1.2
    waits_s = 2 * BACKOFF_MAX_S + REFUSED_RETRY.total_seconds() + DRAIN_S
    return steps_s + checks_s + back_s + gates_s + 2 * meaning.deadline_s + pods_s + waits_s


def proper_end(plan: CanaryPlan, meaning: Meaning, kind: str, *, last: bool) -> str:
    """What becomes of a version of that kind in the calm; `last` for the one that all is to end with."""
    if last and plan.rolls_back and meaning.of_kind(ROLLBACK) and not meaning.skips:
        return ENDED_BADLY
    gate = _at_gate(plan, meaning, CONFIRM_ROLLOUT)
    if gate or kind == STUCK:
        return gate or ENDED_BADLY
    if meaning.skips:
        return ENDED_WELL
    for step in meaning.steps:
        if found := _at_gate(plan, meaning, step.gate) or _in_step(meaning, step, kind):
            return found
    return _at_gate(plan, meaning, meaning.promotion_gate) or ENDED_WELL


def _at_gate(plan: CanaryPlan, meaning: Meaning, gate: str) -> str:
    """How a gate ends a release; empty if it lets it pass."""
    closed = () if plan.opens or gate not in GATES else meaning.of_kind(gate)
    if any(hook.deadline_s is not None and not hook.advances for hook in closed):
        return ENDED_BADLY
    return HELD if any(hook.deadline_s is None for hook in closed) else ""


def _in_step(meaning: Meaning, step: Step, kind: str) -> str:
    """How the judgements in a step end a release; empty if they pass."""
    if kind == BAD or (kind == SLOW and "request-duration" in meaning.limits):
        return ENDED_BADLY
    if kind != SILENT:
        return ""
    busy = step.mirrored or (step.weight > 0 and not meaning.matched)
    return ENDED_BADLY if busy else HELD


def unrest(server: MemoryServer, ledger: Ledger) -> str:
    """What is not as it must be between releases, or while one is rightly held; empty at rest."""
    name = ledger.plan.name
    if is_deleted(server, name):
        return not_given_back(server, name)
    status = status_of(server, name)
    target = stored(server, name)
    primary = stored(server, f"{name}-primary")
    held = is_held(ledger, status, kind_of(image_of(target)))
    if status.phase not in RESTING and not held:
        return f"{name} is {status.phase} {status.desired_weight} % at gate {status.gate}"
    if target is None or primary is None:
        return f"{name} lacks its target or primary"
    if not side_of(primary).available:
        return f"{name}-primary has no pod"
    if status.last_applied_spec != revision_of(template_of(target)):
        return f"{name} was given {image_of(target)}, which was not looked at"
    if not held and replicas_of(target) != 0:
        return f"{name} has {replicas_of(target)} pods"
    if not held and status.outbox:
        return f"the outbox of {name} holds {[notice.number for notice in status.outbox]}"
    return _not_put_back(server, ledger, status)


def is_held(ledger: Ledger, status: CanaryStatus, kind: str) -> bool:
    """Whether a release waits for what never comes in the calm, as its spec says: consent, or a request to judge."""
    if status.gate is not None and status.phase in RUNNING | {Phase.WAITING}:
        return _at_gate(ledger.plan, ledger.meaning, status.gate.type) == HELD
    if kind != SILENT or status.phase not in RUNNING or place_of(status) < 0:
        return False
    unseen = any(result.verdict is Verdict.NO_DATA for result in status.metrics)
    return unseen and _in_step(ledger.meaning, Step(status.desired_weight, 0.0, mirrored=status.mirrored), kind) == HELD


def _not_put_back(server: MemoryServer, ledger: Ledger, status: CanaryStatus) -> str:
    """Which object of ours is not as we made it."""
    name = ledger.plan.name
    if ledger.route is None or not ledger.route.does(ledger.meant):
        return f"the routes of {name} do {ledger.route}"
    if status.phase in RESTING and (status.desired_weight or status.mirrored):
        return f"{name} rests with {status.desired_weight} %"
    for resource, of in (
        (SERVICES, name), (SERVICES, f"{name}-primary"), (SERVICES, f"{name}-canary"),
        (DESTINATION_RULES, f"{name}-primary"), (DESTINATION_RULES, f"{name}-canary"),
    ):  # fmt: skip
        if server.stored(resource, ObjectKey(NAMESPACE, of)) is None:
            return f"{resource.kind} {of} is absent"
    apex = server.stored(SERVICES, ObjectKey(NAMESPACE, name))
    selector = {} if apex is None else apex["spec"]["selector"]
    return "" if selector == {"app": f"{name}-primary"} else f"Service {name} selects {selector}"


def wrong_end(server: MemoryServer, ledger: Ledger, *, strict: bool) -> str:
    """Why the end that a Canary came to is not its proper one; empty if it is.

    Not `strict`, a good version may have failed, if something was done to it that excuses that.
    """
    plan = ledger.plan
    if is_deleted(server, plan.name):
        return ""  # it ended nothing; what is left is looked at by `unrest`
    status = status_of(server, plan.name)
    target = stored(server, plan.name)
    primary = stored(server, f"{plan.name}-primary")
    ran = image_of(target)
    proper = proper_end(plan, ledger.meaning, kind_of(ran), last=strict)
    promoted = status.last_applied_spec == status.last_promoted_spec
    begun = status.last_applied_spec in ledger.proven and not strict
    failed, held = status.phase is Phase.FAILED, status.phase not in RESTING
    excused = not strict and ledger.disturbed
    came_to = HELD if held else ENDED_WELL if promoted else ENDED_BADLY
    wrongs = (
        (promoted and image_of(primary) != ran, f"is called promoted, and the primary runs {image_of(primary)}"),
        (promoted and failed and strict, "is promoted, and the phase is Failed"),
        (not promoted and not failed and not held, f"is not promoted, and the phase is {status.phase}"),
        (not promoted and image_of(primary) == ran and not begun, "failed, and the primary runs it"),
        (strict and came_to != proper, f"ended as {status.phase}, and should be {proper}: {_ready(status)}"),
        (failed and not promoted and proper == ENDED_WELL and not excused, f"failed for no reason: {_ready(status)}"),
    )
    return next((f"{ran} {text}" for wrong, text in wrongs if wrong), "")


def status_of(server: MemoryServer, name: str) -> CanaryStatus:
    """A Canary's status on the server."""
    canary = server.stored(CANARIES, ObjectKey(NAMESPACE, name)) or {}
    return CanaryStatus.model_validate(canary.get("status") or {})


def _ready(status: CanaryStatus) -> str:
    return "; ".join(f"{one.type}: {one.message}" for one in status.conditions)
