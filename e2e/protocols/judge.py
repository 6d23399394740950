"""What is expected of a release: its end, the shares that clients got, nobody's error, nobody else's object. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from e2e.lab.load import Record
from e2e.play.binomial import band
from e2e.play.result import Json, Result
from e2e.protocols.facts import ReleaseFacts, Window
from e2e.protocols.held import Held
from e2e.protocols.kind import BYSTANDER, TCP

LEAST = 100
"""So many connections at each step, or its share shows nothing."""
_REFUSED = 403


def judge_release(facts: ReleaseFacts) -> Iterator[Result]:
    """Every expectation of one release."""
    story, release = f"{facts.kind.name}, {facts.release.name}", facts.release
    last = facts.phases[-1].phase if facts.phases else ""
    ok = last == release.end and not facts.overdue
    yield Result(story, f"it ends as {release.end}", ok, facts.overdue or last)
    expected = f"Envoy gives the canary {', '.join(map(str, release.shares))} %"
    yield Result(story, expected, facts.percents == release.shares, ", ".join(map(str, facts.percents)))
    for place, window in enumerate(facts.windows(), 1):
        yield _judge_window(f"{story}, step {place}", facts, window)
    failed = [record for record in facts.records if record.failed]
    errors = sorted({record.error or str(record.status) for record in failed})
    detail = f"{len(failed)} of {len(facts.records)} failed {' '.join(errors)}".rstrip()
    yield Result(story, "no client's connection fails", bool(facts.records) and not failed, detail)
    if facts.kind.bystander_percent:
        yield _judge_bystander(story, facts)
    yield Result(
        story, "the user's objects are what they were", not facts.differences, "; ".join(facts.differences) or "equal"
    )
    if facts.calls:
        yield _judge_calls(story, facts)


def judge_beside(records: Mapping[str, Sequence[Record]]) -> Iterator[Result]:
    """Clients whom no release concerns were all served, and by whom they asked for."""
    for name, found in records.items():
        wrong = [one for one in found if one.failed or one.workload != BYSTANDER]
        detail = f"{len(wrong)} of {len(found)} were not"
        yield Result(name, f"all are answered by {BYSTANDER}, all the time", bool(found) and not wrong, detail)


def judge_held(held: Sequence[Held]) -> Result:
    """A connection that is there when the weight goes up and down stays where it is: only new ones follow.

    As long as Envoy's drain time lasts, that is: in the lab ten minutes.
    """
    wrong = [one for one in held if one.ended_at_s is not None or one.workloads != {TCP.first.workload}]
    answers = sum(one.answers for one in held)
    detail = f"{len(held) - len(wrong)} of {len(held)}, with {answers} answers"
    return Result("tcp, bad", "connections of before stay open, with the primary", bool(held) and not wrong, detail)


def _judge_window(story: str, facts: ReleaseFacts, window: Window) -> Result:
    canary, primary = window.by(facts.release.canary.workload), window.by(facts.release.primary.workload)
    both, share = canary + primary, window.percent / 100
    limits = band(both, share)
    detail = f"{canary} of {both} connections, {limits.low} to {limits.high} allowed, in {window.seconds:.1f} s"
    enough = both >= LEAST or share in {0.0, 1.0}
    return Result(story, f"{window.percent} % of its clients get the canary", enough and limits.holds(canary), detail)


def _judge_bystander(story: str, facts: ReleaseFacts) -> Result:
    count, percent = sum(one.workload == BYSTANDER for one in facts.records), facts.kind.bystander_percent
    limits = band(len(facts.records), percent / 100)
    detail = f"{count} of {len(facts.records)}, {limits.low} to {limits.high} allowed"
    return Result(story, f"{BYSTANDER} keeps its {percent} % all along", limits.holds(count), detail)


def _judge_calls(story: str, facts: ReleaseFacts) -> Result:
    refused = sum(call.status == _REFUSED for call in facts.calls)
    bad = facts.release.end == "Failed"
    expected = "the hook that speaks the protocol refuses it" if bad else "the hook that speaks the protocol consents"
    return Result(story, expected, bool(refused) == bad, f"{refused} of {len(facts.calls)} answers were refusals")


def release_json(facts: ReleaseFacts) -> Json:
    """All figures of one release."""
    canary, primary = facts.release.canary.workload, facts.release.primary.workload
    return {
        "kind": facts.kind.name,
        "release": facts.release.name,
        "seconds": round(facts.ended_at_s - facts.began_at_s, 1),
        "requests": len(facts.records),
        "failed": sum(record.failed for record in facts.records),
        "shares": [
            {"percent": window.percent, "of": window.by(canary) + window.by(primary), "by_canary": window.by(canary)}
            for window in facts.windows()
        ],
    }


def figure_lines(figures: Sequence[Json]) -> list[str]:
    """A line for each release."""
    return [
        f"{one['kind']}, {one['release']}: {one['failed']} of {one['requests']} failed in {one['seconds']:.0f} s; "
        f"by the canary {', '.join(map(_in_words, one['shares']))}"
        for one in figures
    ]


def _in_words(step: Json) -> str:
    return f"{step['by_canary']} of {step['of']} at {step['percent']} %"
