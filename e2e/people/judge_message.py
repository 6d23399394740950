"""What is expected of messages: Slack's shape, each once; of a bad release the number, its limit, the counts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from e2e.people.facts import ReleaseFacts
from e2e.people.message import Message
from e2e.people.plan import ERROR_RATE, LIMIT_PERCENT, MIN_REQUESTS
from e2e.play.result import Result
from e2e.play.seen import TARGET

CLOCK_S = 2.0
"""Whole seconds, and two clocks."""
_SHARE_OFF = 0.1
"""By which the told share of failures may differ from the version's own: ten seconds of a coin's throws."""
_COUNTS_OFF = 1.3
"""Prometheus reckons an increase from scrapes two seconds apart."""
_NUMBERS = re.compile(
    rf"request-success-rate (\d+\.\d+) % \(limit at least {LIMIT_PERCENT} %\), (\d+) of (\d+) requests failed"
)
_AFTER = re.compile(r"rolled back after (?:(\d+) min ?)?(?:(\d+) s)?$")


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the sentence of a rollback says."""

    percent: float
    failed: int
    requests: int


def numbers_in(sentence: str) -> Numbers | None:
    """The numbers of a rollback's sentence; None if it is none."""
    found = _NUMBERS.search(sentence)
    return None if found is None else Numbers(float(found[1]), int(found[2]), int(found[3]))


def seconds_in(headline: str) -> float | None:
    """After what time a headline says that a release was rolled back."""
    found = _AFTER.search(headline)
    if found is None or not (found[1] or found[2]):
        return None
    return 60.0 * int(found[1] or 0) + int(found[2] or 0)


def judge_messages(facts: ReleaseFacts) -> Iterator[Result]:
    """Of every message of a release."""
    told = facts.messages
    flaws = [f"{one.headline}: {one.flaw}" for one in told if one.flaw]
    yield _result(facts, "every message has Slack's shape", told and not flaws, flaws[0] if flaws else f"{len(told)}")
    ids = [one.id for one in told]
    ok = bool(ids) and len(set(ids)) == len(ids) and all(ids)
    yield _result(facts, "each is told once", ok, f"{len(ids)} messages, {len(set(ids))} ids")
    word = "promoted" if facts.release.is_good else "rolled back"
    ends = [one for one in told if f": {word}" in one.headline]
    detail = ends[0].headline if ends else f"told: {[one.headline for one in told]}"
    yield _result(facts, f"one says that it was {word}", len(ends) == 1, detail)


def judge_bad_news(facts: ReleaseFacts) -> Iterator[Result]:
    """Of the message that a release was rolled back."""
    message = facts.told("rolled back") or Message(0.0, {})
    told = numbers_in(message.sentence)
    expected = "it says which number broke which limit, of how many requests"
    yield _result(facts, expected, told, message.sentence or "there is no such message")
    if told is not None:
        yield from _counted(facts, told)
    after_s, failed_s = seconds_in(message.headline), facts.reached("Failed")
    began_s = facts.run[0].at_s if facts.run else 0.0
    ok = after_s is not None and failed_s is not None and abs(after_s - (failed_s - began_s)) <= CLOCK_S
    lasted = f"seen: {failed_s - began_s:.1f} s" if failed_s is not None else "it was never seen"
    yield _result(facts, "and after what time it was rolled back", ok, f"{message.headline}; {lasted}")
    named = message.fields.get("Version", "")
    detail = f"Version {named or 'none'}, next: {message.fields.get('Next', 'nothing')}"
    yield _result(facts, "it names the version, and what comes next", named and message.fields.get("Next"), detail)


def _counted(facts: ReleaseFacts, told: Numbers) -> Iterator[Result]:
    percent = 100 * (1 - told.failed / told.requests) if told.requests else 0.0
    # Both counts are rounded to whole requests, and the percentage to its second decimal.
    agree = bool(told.requests) and abs(percent - told.percent) <= 100 / told.requests + 0.01
    detail = f"{told.failed} of {told.requests} make {percent:.2f} %, told: {told.percent:.2f} %"
    yield _result(facts, "its numbers agree with each other", agree, detail)
    own = [one for one in facts.records if one.workload == TARGET and one.version == facts.version]
    bad = sum(one.failed for one in own)
    near = bool(told.requests) and abs(told.failed / told.requests - ERROR_RATE) <= _SHARE_OFF
    fits = MIN_REQUESTS <= told.requests <= _COUNTS_OFF * len(own)
    detail = f"told {told.failed} of {told.requests}; clients had {bad} failures of {len(own)} answers of it in all"
    yield _result(facts, "and with what clients had", near and fits and bad > 0, detail)


def _result(facts: ReleaseFacts, expected: str, ok: object, detail: str) -> Result:
    return Result(facts.release.name, expected, bool(ok), detail)
