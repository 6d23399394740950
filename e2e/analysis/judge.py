"""What is expected of every release: how it ends, that the reason is told to people, what clients got. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from e2e.analysis.facts import ReleaseFacts
from e2e.analysis.plan import GIVEN_UP, HELD_THEN_FAILED, OUTLASTED, UNDECIDED
from e2e.lab.load import Record
from e2e.play.result import Result

_HELD = {
    HELD_THEN_FAILED.title: ("no request of the canary was counted",),
    UNDECIDED.title: ("of", "failed (0.00 %); limit 1.0 %; undecided"),
    OUTLASTED.title: ("Prometheus at http://127.0.0.1:9090", "connection failed"),
}
"""What the metric says while the release is left alone, by its title."""
_STUCK = "undecided after 40s, and onInconclusive is hold; promote or abort it by hand"


def judge_release(facts: ReleaseFacts) -> Iterator[Result]:
    """Every expectation."""
    release = facts.release
    ended = f"{facts.end}, {facts.ended_at_s - facts.began_at_s:.1f} s after it was applied"
    yield _result(
        facts, f"it ends as {release.ends}", facts.end == release.ends and not facts.overdue, facts.overdue or ended
    )
    if release.words:
        yield _reason(facts)
        yield _event(facts)
    serves = facts.version if release.ends == "Succeeded" else "another"
    kept = (facts.serves == facts.version) is (release.ends == "Succeeded") and bool(facts.serves)
    yield _result(
        facts, f"{'its' if serves != 'another' else 'another'} version serves", kept, f"version {facts.serves}"
    )
    if facts.held is not None or release.title in _HELD:
        yield from _waited(facts)
    if release in (OUTLASTED, GIVEN_UP):
        yield _while_away(facts)
    if release.story == "lying":
        yield _result(facts, "it was lied to", facts.lies_told > 0, f"{facts.lies_told} answers")
    if release.rate_per_s > 0:
        yield _clients(facts)


def _result(facts: ReleaseFacts, expected: str, ok: object, detail: str) -> Result:
    return Result(facts.release.title, expected, bool(ok), detail)


def _reason(facts: ReleaseFacts) -> Result:
    words = facts.release.words
    named = all(word in facts.reason for word in words)
    return _result(facts, f"condition Promoted says why: {', '.join(words)}", named, facts.reason)


def _event(facts: ReleaseFacts) -> Result:
    told = [event for event in facts.events if all(word in event for word in facts.release.words)]
    return _result(facts, "so does an Event", told, told[0] if told else f"Events: {list(facts.events)}")


def _waited(facts: ReleaseFacts) -> Iterator[Result]:
    """Nothing moves while nobody decides."""
    held = facts.held
    if held is None:
        yield _result(facts, "it waits", ok=False, detail="it never did")
        return
    seen = [one for one in facts.run if held.since_s <= one.at_s <= held.until_s]
    moved = [
        f"{one.phase} at {one.weight} %" for one in seen if (one.phase, one.weight) != _before(facts, held.since_s)
    ]
    detail = f"{held.until_s - held.since_s:.0f} s; it did: {', '.join(moved)}" if moved else (
        f"{held.until_s - held.since_s:.0f} s, {held.told.verdict}: {held.told.message}"
    )  # fmt: skip
    words = _HELD.get(facts.release.title, ())
    named = all(word in held.told.message for word in words)
    yield _result(facts, f"it waits, and its metric says: {', '.join(words)}", not moved and named, detail)
    if facts.release.title == UNDECIDED.title:
        yield _result(facts, "condition Ready says what a person may do", _STUCK in held.ready, held.ready)


def _before(facts: ReleaseFacts, at_s: float) -> tuple[str, int]:
    """Phase and weight as last seen by then."""
    seen = [one for one in facts.run if one.at_s <= at_s]
    return (seen[-1].phase, seen[-1].weight) if seen else ("", 0)


def _while_away(facts: ReleaseFacts) -> Result:
    """Whoever gives up does so without Prometheus; whoever waits is where it was when that is back."""
    if facts.down_s is None:
        return _result(facts, "Prometheus was away", ok=False, detail="it never was")
    since_s, until_s = facts.down_s
    ended = next((seen.at_s for seen in facts.run if seen.phase == "Failed"), None)
    away = f"Prometheus was away for {until_s - since_s:.1f} s"
    if facts.release.ends == "Failed":
        meanwhile = ended is not None and since_s < ended < until_s
        told = "not meanwhile" if ended is None or not meanwhile else f"{ended - since_s:.1f} s after it went"
        return _result(facts, "it gives up while Prometheus is away", meanwhile, f"{away}; {told}")
    decided = facts.decided
    later = decided is not None and decided.at_s > until_s
    told = "never decided" if decided is None else f"decided {decided.at_s - until_s:.1f} s after it was back"
    return _result(facts, "it decides when Prometheus is back, not before", later, f"{away}; {told}")


def _clients(facts: ReleaseFacts) -> Result:
    """Nobody but a bad canary gives errors, and it gives none any more once it has lost its traffic."""
    decided = facts.decided
    # A moment for Envoy, and for what was under way.
    over_s = facts.ended_at_s if decided is None else decided.at_s + 1.0
    counted = facts.records if not facts.release.may_fail else [one for one in facts.records if one.sent_at_s > over_s]
    failed = [one for one in counted if one.failed or not one.workload]
    expected = "no client error from 1 s after the rollback on" if facts.release.may_fail else "no client error"
    detail = f"{len(failed)} of {len(counted)} {kinds(failed)}".rstrip()
    if facts.release.may_fail:
        before = [one for one in facts.records if one.failed or not one.workload]
        detail += f"; in the whole {len(before)} of {len(facts.records)} {kinds(before)}".rstrip()
    return _result(facts, expected, counted and not failed, detail)


def kinds(records: Sequence[Record]) -> str:
    """How many failed in which way."""
    return str(dict(Counter(one.error or f"{one.status} of {one.workload or 'nobody'}" for one in records)) or "")
