"""The judge of what is made of decisions: routes, the canary's pods, the primary's template.

It also knows since when the routes do not do what is meant, whoever changed them.
"""

from __future__ import annotations

from collections.abc import Sequence

from rollouts.api.resources import Manifest
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.revision import revision_of
from rollouts.testing.memory_server import Change
from tests.sim.court import Court
from tests.sim.ledger import RUNNING, Begun, Ledger, image_of, source_of
from tests.sim.routes import meant, others_of, ours_of, read_route, rules_of
from tests.sim.workloads import replicas_of, template_of

DRAIN_S = 30.0
"""Without measured silence, the canary keeps its pods that long after its share is gone."""
_LOOKED_AFTER = frozenset(Phase) - {Phase.INITIALIZING, Phase.TERMINATING}


def judge_route(court: Court, ledger: Ledger, change: Change, begun: Begun | None) -> None:
    """Somebody has written the routes; with `begun`, it was us."""
    name, was = ledger.plan.name, ledger.route
    read = read_route(change.after, name, ledger.status.session)
    handed_back = read is None and ledger.status.phase is Phase.TERMINATING and ledger.status.stranded
    changed = (change.after or {}).get("spec") != (change.before or {}).get("spec")
    if begun is not None and changed and not handed_back:
        court.demand(read is not None, f"{name}: our write leaves no share that can be told")
        court.demand(not begun.suspended, f"{name}: routes written while it is suspended")
        if read != was and read is not None:
            court.note(f"{begun.process} routes {name} {read.shares}")
        _check_sums(court, name, change)
        since_s = begun.at_s - court.answer_s
        known = ledger.ever_since(since_s, lambda past, meaning: _does(change.after, name, past, meaning))
        court.demand(known, f"{name}: routes do {read}, and meant is {ledger.meant}")
    ledger.see_route(read, court.now_s())


def judge_patch(court: Court, name: str, operations: Sequence[Manifest]) -> None:
    """A patch names the version that it is for, and tests the name of each rule that it changes."""
    paths = [(one["op"], one["path"]) for one in operations]
    court.demand(("replace", "/metadata/resourceVersion") in paths, f"{name}: a patch for any version")
    for op, path in paths:
        place = path.split("/")[3:]
        if path.startswith("/spec/http/") and op != "test" and not (op == "add" and len(place) == 1):
            tested = ("test", f"/spec/http/{place[0]}/name") in paths
            court.demand(tested, f"{name}: a patch changes rule {place[0]} without a look at its name")


def note_deviation(ledger: Ledger, now_s: float, *, anew: bool) -> None:
    """Keep the time since which the routes do not do what is meant; `anew`: something else is meant now."""
    minded = ledger.status.phase in _LOOKED_AFTER and not ledger.meaning.suspended
    does = ledger.route is not None and ledger.route.does(ledger.meant)
    if does or not minded:
        ledger.deviates_since_s = None
    elif ledger.deviates_since_s is None or anew:
        ledger.deviates_since_s = now_s


def judge_target(court: Court, ledger: Ledger, change: Change, begun: Begun | None) -> None:
    """The user's workload has changed."""
    if change.after is None:
        return
    ledger.images[revision_of(template_of(change.after))] = image_of(change.after)
    shrunk = replicas_of(change.after) == 0 and replicas_of(change.before) != 0
    if begun is None or not shrunk:
        return
    name = ledger.plan.name
    court.note(f"{begun.process} scales {name} to 0")
    court.demand(not begun.suspended, f"{name}: scaled while it is suspended")
    court.demand(begun.primary.available > 0, f"{name}: the canary's pods removed while the primary has none")
    since_s = begun.at_s - court.answer_s
    running = RUNNING | {Phase.PROMOTING, Phase.FINALISING}
    known = ledger.ever_since(since_s, lambda past, _: past.drained and past.phase not in running)
    court.demand(known, f"{name}: scaled down while {ledger.status.phase}")
    if ledger.stage.weight == 0 and 0.0 < ledger.stage.decided_at_s < since_s:
        _check_drained(court, ledger)


def judge_primary(court: Court, ledger: Ledger, change: Change, begun: Begun) -> None:
    """We have written our copy."""
    source, name = source_of(change.after), ledger.plan.name
    if change.after is None or source == source_of(change.before):
        return
    court.note(f"{begun.process} copies {source} to {name}-primary")
    court.demand(replicas_of(change.after) > 0, f"{name}: a primary without pods")
    court.demand(image_of(change.after) == ledger.images[source], f"{name}: the primary's mark is not what it runs")
    since_s = begun.at_s - court.answer_s
    known = ledger.ever_since(since_s, lambda past, _: _wants_copy(past, source))
    court.demand(known, f"{name}: the primary gets {source} while {ledger.status.phase}")
    first = ledger.ever_since(since_s, lambda past, _: past.phase in {None, Phase.INITIALIZING})
    court.demand(first or source in ledger.proven, f"{name}: the primary gets {source}, which was never proven")


def _does(route: Manifest | None, name: str, status: CanaryStatus, meaning: object) -> bool:
    read = read_route(route, name, status.session)
    return read is not None and read.does(meant(status, meaning))  # type: ignore[arg-type]


def _check_sums(court: Court, name: str, change: Change) -> None:
    """In each rule, ours and others' together have what they had, or 100; others what they had."""
    known = {rule.get("name", ""): rule for rule in rules_of(change.before)}
    for rule in rules_of(change.after):
        ours = ours_of(rule, name)
        if ours is None:
            continue
        was = known.get(rule.get("name", ""), {})
        total, others = sum(ours) + others_of(rule, name), others_of(rule, name)
        had = sum(ours_of(was, name) or (0, 0)) + others_of(was, name)
        court.demand(min(ours) >= 0 and total in {100, had}, f"{name}: weights {ours} and {others} of others")
        court.demand(not was or others == others_of(was, name), f"{name}: others' weights changed to {others}")


def _check_drained(court: Court, ledger: Ledger) -> None:
    stage, name = ledger.stage, ledger.plan.name
    court.demand(stage.reached_at_s is not None, f"{name}: scaled down while the routes send it requests")
    silent = stage.silent_at_s >= (stage.reached_at_s or 0.0) - court.tolerance_s
    waited = court.now_s() - (stage.reached_at_s or 0.0) >= DRAIN_S - court.tolerance_s
    court.demand(silent or waited, f"{name}: scaled down before it fell silent")


def _wants_copy(status: CanaryStatus, revision: str) -> bool:
    if status.phase in {None, Phase.INITIALIZING}:
        return True
    if status.phase in RUNNING | {Phase.WAITING}:
        return False
    return revision == (status.last_applied_spec if status.phase is Phase.PROMOTING else status.last_promoted_spec)
