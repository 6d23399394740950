"""What is expected of a release that people decide on: it waits, they are told, who may opens it, nobody else. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from e2e.lab.load import Record
from e2e.people.facts import Decision, ReleaseFacts
from e2e.people.judge_message import judge_bad_news, judge_messages
from e2e.people.plan import GATE
from e2e.play.result import Result
from e2e.play.seen import TARGET

TOLD_WITHIN_S = 5.0
"""How long it may take until a message about the gate is there."""
_LINKS = {"Approve", "Reject", "Canary"}


def judge_release(facts: ReleaseFacts) -> list[Result]:
    """Every expectation of one release."""
    results = [*_ended(facts), *judge_messages(facts)]
    if facts.release.is_good:
        results += _gated(facts)
    else:
        results += judge_bad_news(facts)
    return results


def _result(facts: ReleaseFacts, expected: str, ok: object, detail: str) -> Result:
    return Result(facts.release.name, expected, bool(ok), detail)


def _ended(facts: ReleaseFacts) -> Iterator[Result]:
    release, told = facts.release, facts.pipeline
    ok = facts.end == release.ends and not facts.overdue
    detail = facts.overdue or f"{facts.end}, {facts.ended_at_s - facts.began_at_s:.1f} s after it was applied"
    yield _result(facts, f"it ends as {release.ends}", ok, detail)
    kept = bool(facts.serves) and (facts.serves == facts.version) is release.is_good
    whose = "its" if release.is_good else "another"
    yield _result(facts, f"{whose} version serves", kept, f"version {facts.serves} of {facts.version}")
    last = (told.out.splitlines() or [told.said.strip() or "it said nothing"])[-1]
    word = "promoted" if release.is_good else "stopped"
    ok = told.code == release.exit_code and last.startswith(f"pipeline: {word}")
    expected = f"the pipeline that waits by `kubectl canary status --watch` ends with {release.exit_code}"
    yield _result(facts, expected, ok, f"{told.code}: {last}")


def _gated(facts: ReleaseFacts) -> Iterator[Result]:
    decision = facts.decision
    if decision is None:
        yield _result(facts, f"it waits at {GATE}", ok=False, detail=facts.overdue or "it never did")
        return
    yield from _waited(facts, decision)
    yield from _tried(facts, decision)
    yield _named(facts, decision)


def _waited(facts: ReleaseFacts, decision: Decision) -> Iterator[Result]:
    promoting_s = facts.reached("Promoting")
    held_s = decision.asked_at_s - decision.waiting_at_s
    ok = promoting_s is not None and promoting_s >= decision.asked_at_s
    since = f"promoting {promoting_s - decision.asked_at_s:.1f} s after it was asked" if promoting_s else "not promoted"
    yield _result(facts, f"it waits at {GATE} until somebody approves", ok, f"waited {held_s:.1f} s; {since}")
    late_s = decision.message.at_s - decision.waiting_at_s
    led = set(decision.message.links)
    detail = f"{late_s:.2f} s after, with {', '.join(sorted(led))}: {decision.message.headline}"
    expected = f"a message with links is there within {TOLD_WITHIN_S:g} s"
    yield _result(facts, expected, late_s <= TOLD_WITHIN_S and led >= _LINKS, detail)


def _tried(facts: ReleaseFacts, decision: Decision) -> Iterator[Result]:
    for one in (*decision.tries, decision.approval, *decision.again):
        words = f", which says {', '.join(one.words)}" if one.words else ""
        yield _result(facts, f"{one.what}: {one.wanted}{words}", one.as_wanted, f"{one.code}: {_shown(one.said)}")
    changed = [name for name, value in decision.before.items() if decision.after.get(name) != value]
    detail = f"changed: {', '.join(changed)}" if changed else f"all the same after {len(decision.tries)} tries"
    yield _result(facts, "none of that changes anything", decision.tries and not changed, detail)


def _named(facts: ReleaseFacts, decision: Decision) -> Result:
    taken = [one for one in facts.status.get("actions") or () if one["verb"] == "approve"]
    named = [one.get("user", "") for one in taken if one["outcome"] == "Done"]
    detail = f"{taken[0]['outcome']} by {taken[0].get('user') or 'nobody'}" if taken else "no approval stands there"
    return _result(facts, f"status says who: {decision.who}", named == [decision.who], detail)


def _shown(said: str) -> str:
    line = " ".join(said.split())
    return line if len(line) <= 200 else f"{line[:199]}…"


def judge_clients(records: Sequence[Record], releases: Sequence[ReleaseFacts]) -> Result:
    """Of all that clients ever got, only the bad version's own answers are errors."""
    bad = {facts.version for facts in releases if not facts.release.is_good}
    failed = [one for one in records if one.failed]
    foreign = [one for one in failed if one.status != 500 or one.workload != TARGET or one.version not in bad]
    kinds = sorted({f"{one.error or one.status} of {one.workload or 'nobody'} {one.version}" for one in foreign})
    detail = f"{len(failed)} of {len(records)} failed, {len(foreign)} by others {kinds or ''}".rstrip()
    return Result("all stories", "no client error but the bad version's own", bool(records) and not foreign, detail)


def judge_secrets(logs: str, secrets: Sequence[str]) -> Result:
    """Neither the address of the webhook, nor a token, nor a link's key stands in what our programs have written."""
    found = sum(secret in logs for secret in secrets if secret)
    detail = f"{found} of {len(secrets)} stand in {len(logs)} characters"
    return Result("all stories", "no secret in the logs", bool(logs) and bool(secrets) and not found, detail)
