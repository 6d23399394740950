"""How each Canary must have ended once nothing goes wrong any more, and within which time."""

from __future__ import annotations

from rollouts.api.resources import CANARIES, DEPLOYMENTS, DESTINATION_RULES, SERVICES, VIRTUAL_SERVICES, ObjectKey
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.revision import revision_of
from rollouts.engine.reconcile import REFUSED_RETRY
from rollouts.engine.supervisor import BACKOFF_MAX_S
from rollouts.testing.memory_server import MemoryServer
from tests.sim.ledger import Ledger, available, image_of, weights_of
from tests.sim.plan import NAMESPACE, CanaryPlan, kind_of
from tests.sim.safety import DRAIN_S

RESTING = frozenset({Phase.INITIALIZED, Phase.SUCCEEDED, Phase.FAILED})
NO_DATA_INTERVALS = 3


def bound_s(plan: CanaryPlan) -> float:
    """The longest that a release may take in calm: each step, failed check and deadline, and one back-off."""
    judgements = len(plan.steps) + plan.threshold + NO_DATA_INTERVALS + 1
    pods_s = 4 * plan.replicas * plan.startup_s * 1.2
    waits_s = BACKOFF_MAX_S + REFUSED_RETRY.total_seconds() + DRAIN_S
    return judgements * (plan.interval_s + 5.0) + 2 * plan.deadline_s + pods_s + waits_s


def unrest(server: MemoryServer, plan: CanaryPlan) -> str:
    """What is not as it must be between releases; empty at rest."""
    name = plan.name
    status = status_of(server, name)
    target = server.stored(DEPLOYMENTS, ObjectKey(NAMESPACE, name))
    primary = server.stored(DEPLOYMENTS, ObjectKey(NAMESPACE, f"{name}-primary"))
    if status.phase not in RESTING:
        return f"{name} is {status.phase} {status.desired_weight} %"
    if target is None or primary is None:
        return f"{name} lacks its target or primary"
    if available(primary) < 1:
        return f"{name}-primary has no pod"
    if target["spec"]["replicas"] != 0:
        return f"{name} has {target['spec']['replicas']} pods"
    if status.last_applied_spec != revision_of(target["spec"]["template"]):
        return f"{name} was given {image_of(target)}, which was not looked at"
    return _not_put_back(server, name)


def _not_put_back(server: MemoryServer, name: str) -> str:
    """Which object of ours is not as we made it."""
    weights = weights_of(server.stored(VIRTUAL_SERVICES, ObjectKey(NAMESPACE, name)), name)
    if weights != (100, 0):
        return f"the routes of {name} have {weights}"
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

    Not `strict`, a good version may have failed, if something was done to it that excuses that: two processes
    with late stores may take a canary for lost whose pods one of them has not heard of yet.
    """
    plan = ledger.plan
    status = status_of(server, plan.name)
    target = server.stored(DEPLOYMENTS, ObjectKey(NAMESPACE, plan.name))
    primary = server.stored(DEPLOYMENTS, ObjectKey(NAMESPACE, f"{plan.name}-primary"))
    passes, ran = plan.passes(kind_of(image_of(target))), image_of(target)
    promoted = status.last_applied_spec == status.last_promoted_spec
    begun = status.last_applied_spec in ledger.proven and not strict
    failed = status.phase is Phase.FAILED
    excused = not strict and (ledger.disturbed or ledger.contended)
    wrongs = (
        (promoted and image_of(primary) != ran, f"is called promoted, and the primary runs {image_of(primary)}"),
        (promoted and failed and strict, "is promoted, and the phase is Failed"),
        (not promoted and not failed, f"is not promoted, and the phase is {status.phase}"),
        (not promoted and image_of(primary) == ran and not begun, "failed, and the primary runs it"),
        (strict and promoted is not passes, f"ended as {status.phase}"),
        (not promoted and passes and not excused, f"failed for no reason: {_ready(status)}"),
    )
    return next((f"{ran} {text}" for wrong, text in wrongs if wrong), "")


def status_of(server: MemoryServer, name: str) -> CanaryStatus:
    """A Canary's status on the server."""
    canary = server.stored(CANARIES, ObjectKey(NAMESPACE, name)) or {}
    return CanaryStatus.model_validate(canary.get("status") or {})


def _ready(status: CanaryStatus) -> str:
    return "; ".join(f"{one.type}: {one.message}" for one in status.conditions)
