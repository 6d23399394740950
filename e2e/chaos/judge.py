"""What is expected of a fault: of clients, of the good release, of the bad one, of what people are told. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from e2e.chaos.facts import Facts, Side
from e2e.chaos.fault import Fault
from e2e.chaos.plan import DECIDED_WITHIN_S, REST, WEIGHTS
from e2e.lab.load import Record
from e2e.play.binomial import band
from e2e.play.result import Json, Result

GUARD_S = 0.5
"""How much earlier or later than those of the resting Canary another one's errors may lie."""
AFTER_S = 3.0
"""For how long after a fault its errors may come still."""
_PROMOTES = frozenset({"Promoting", "Finalising", "Succeeded", "WaitingPromotion"})
STARTED, NEXT_STEP = "NewRevision", "Advance"
NEEDED = {"good": (STARTED, "Promoting", "Succeeded"), "bad": (STARTED, "Rollback")}
"""What is told at least of each release."""
_LAST = 20
"""So many of the last answers show who serves."""


def bound_s(fault: Fault) -> float:
    """How long the bad version may serve on after the fault."""
    return DECIDED_WITHIN_S + fault.reserve_s


def late_s(fault: Fault, facts: Facts) -> float | None:
    """How long it did; negative if it had left before. None if nobody ever met it."""
    return _after(fault, facts, facts.left_at_s)


def _after(fault: Fault, facts: Facts, at_s: float | None) -> float | None:
    since_s = facts.struck_at_s if fault.stood_in else facts.over_at_s
    return None if at_s is None else at_s - since_s


def judge(fault: Fault, facts: Facts) -> Iterator[Result]:
    """Every expectation."""
    yield from _clients(fault, facts)
    yield _good(fault, facts)
    yield _steps(fault, facts.good)
    yield _not_promoted(fault, facts.bad)
    yield _rolled_back(fault, facts)
    for side in facts.sides:
        yield _told(fault, side)
    yield _rest(fault, facts.rest)
    detail = "; ".join((*facts.unasked_ends, *filter(None, [facts.overdue])))
    yield Result(fault.name, "it is played to its end, and no controller ended by itself", not detail, detail)


def _clients(fault: Fault, facts: Facts) -> Iterator[Result]:
    rest = facts.rest
    outside = [one for one in rest.errors if not _within(one, facts.struck_at_s, facts.over_at_s + AFTER_S)]
    detail = _counted(rest.errors, rest.records) + (f", {len(outside)} outside the fault" if outside else "")
    yield Result(fault.name, "rest: client errors lie within the fault", bool(rest.records) and not outside, detail)
    for side in (facts.good, facts.bad):
        odd, detail = unexplained(rest, side), _counted(side.errors, side.records)
        if odd:
            detail += f", {len(odd)} of them not: {_words(odd[0])} {odd[0].sent_at_s - facts.struck_at_s:+.2f} s"
        expected = f"{side.name}: no client error but those that the resting Canary's clients had too"
        yield Result(fault.name, expected, bool(side.records) and not odd, detail)


def unexplained(rest: Side, side: Side) -> tuple[Record, ...]:
    """Errors of another kind or at another time than the resting Canary's; all of them where they are too many."""
    if not side.errors:
        return ()
    kinds = {_words(one) for one in rest.errors}
    first_s = min((one.sent_at_s for one in rest.errors), default=0.0) - GUARD_S
    last_s = max((one.done_at_s for one in rest.errors), default=0.0) + GUARD_S
    odd = tuple(one for one in side.errors if _words(one) not in kinds or not _within(one, first_s, last_s))
    if odd:
        return odd
    # Both have the same rate: of all errors together about half are this one's.
    both = len(rest.errors) + len(side.errors)
    return () if len(side.errors) <= band(both, 0.5).high else side.errors


def _good(fault: Fault, facts: Facts) -> Result:
    side = facts.good
    last = side.records[-_LAST:]
    served = bool(last) and all(one in side.promoted_answered[-_LAST:] for one in last)
    ok = bool(side.phases) and side.phases[-1] == "Succeeded" and side.serves == side.version and served
    after = "" if not side.seen else f", {side.seen[-1].at_s - facts.over_at_s:+.1f} s after the fault"
    return Result(fault.name, "good: promoted, and all its clients are on it", ok, f"{' '.join(side.phases)}{after}")


def _steps(fault: Fault, side: Side) -> Result:
    """By what was told, once a number: a step that is taken twice is told twice, whatever a watch has missed."""
    taken = {one.number for one in side.told if one.number in side.notices and one.reason == NEXT_STEP}
    weights = [one.weight_percent for one in side.seen if one.phase == "Progressing"]
    ok = len(taken) == len(WEIGHTS) and weights == sorted(weights) and set(weights) <= {0, *WEIGHTS}
    detail = f"{len(taken)} of {len(WEIGHTS)}; {', '.join(map(str, dict.fromkeys(weights)))} %"
    return Result(fault.name, "good: each step is taken once, and none goes back", ok, detail)


def _not_promoted(fault: Fault, side: Side) -> Result:
    began = side.phases.index("Progressing") if "Progressing" in side.phases else len(side.phases)
    odd = [phase for phase in side.phases[began:] if phase in _PROMOTES]
    ok = not odd and not side.promoted_answered and side.serves not in {"", side.version}
    detail = f"{len(side.promoted_answered)} answers by a primary of that version; {' '.join(odd) or 'no such phase'}"
    return Result(fault.name, "bad: never promoted", ok, detail)


def _rolled_back(fault: Fault, facts: Facts) -> Result:
    side, late, limit_s = facts.bad, late_s(fault, facts), bound_s(fault)
    ok = bool(side.phases) and side.phases[-1] == "Failed" and late is not None and late <= limit_s
    since = "the fault's begin" if fault.stood_in else "the fault's end"
    spoiled = f"; it failed {len(side.spoiled)} of {len(side.records)} requests"
    detail = "nobody ever met it" if late is None else f"{late:+.1f} s{spoiled}"
    expected = f"bad: rolled back within {DECIDED_WITHIN_S:g} + {fault.reserve_s:g} s of {since}"
    return Result(fault.name, expected, ok, detail)


def _told(fault: Fault, side: Side) -> Result:
    wanted = [reason for reason in NEEDED.get(side.name, ()) if reason not in side.reasons]
    lost = side.seen[-1].lost if side.seen else 0
    waiting = side.seen[-1].waiting if side.seen else 0
    ok = not (wanted or side.missing or lost or waiting) and bool(side.seen or side.name == REST)
    detail = f"{len(side.notices)} sent, {len(side.notices) - len(side.missing)} delivered"
    odd = {"never told": wanted, "missing": side.missing, "given up": lost, "still waiting": waiting}
    detail += "".join(f"; {words}: {value}" for words, value in odd.items() if value)
    return Result(fault.name, f"{side.name}: all news are delivered", ok, detail)


def _rest(fault: Fault, side: Side) -> Result:
    moved = [phase for phase in side.phases if phase not in {"Initialized", "Succeeded"}]
    ok = not moved and side.serves == side.version
    told = f"; told of it: {', '.join(side.reasons)}" if side.reasons else ""
    detail = f"version {side.serves or 'of nobody'} {' '.join(moved)}{told}"
    return Result(fault.name, "rest: stays as it is", ok, detail)


def fault_json(fault: Fault, facts: Facts) -> Json:
    """What was measured."""
    late, decided = late_s(fault, facts), _after(fault, facts, facts.decided_at_s)
    return {
        "fault": fault.name,
        "lasted_s": round(facts.over_at_s - facts.struck_at_s, 1),
        "requests": [len(side.records) for side in facts.sides],
        "errors": [len(side.errors) for side in facts.sides],
        "spoiled": len(facts.bad.spoiled),
        "promoted": [bool(side.promoted_answered) for side in (facts.good, facts.bad)],
        "decided_after_s": None if decided is None else round(decided, 1),
        "rolled_back_after_s": None if late is None else round(late, 1),
        "bound_s": bound_s(fault),
        "sent": sum(len(side.notices) for side in facts.sides),
        "delivered": sum(len(side.notices) - len(side.missing) for side in facts.sides),
        "again": sum(_deliveries(side) for side in facts.sides),
    }


def _deliveries(side: Side) -> int:
    """How many came more than once."""
    numbers = [one.number for one in side.told if one.number in side.notices]
    return len(numbers) - len(set(numbers))


def _within(one: Record, since_s: float, until_s: float) -> bool:
    return since_s <= one.done_at_s and one.sent_at_s <= until_s


def _words(one: Record) -> str:
    return one.error or f"status {one.status}"


def _counted(errors: Sequence[Record], records: Sequence[Record]) -> str:
    kinds = sorted({_words(one) for one in errors})
    return f"{len(errors)} of {len(records)} requests" + (f" ({', '.join(kinds)})" if kinds else "")
