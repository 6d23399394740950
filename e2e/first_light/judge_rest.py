"""What is expected besides releases: of a quiet minute, of Canaries that can't be acted on, of the whole run. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from e2e.first_light.facts import BadInput, ReleaseFacts
from e2e.lab.load import Record
from e2e.play.logs import count_requests
from e2e.play.result import Result
from e2e.play.seen import ApiRequest

_TOLD = {"canaries.rollouts.dev/status", "events"}
"""What the controller may write about a Canary that it can't act on."""


def judge_idle(requests: Sequence[ApiRequest], seconds: float) -> Result:
    """Nothing to release: the API is asked nothing but to go on with its watches."""
    asked = [request for request in requests if request.verb != "watch"]
    detail = f"{len(asked)} others, {len(requests) - len(asked)} watches {count_requests(asked) or ''}".rstrip()
    return Result("idle", f"no request but watches in {seconds:.0f} s", not asked, detail)


def judge_bad_input(seen: BadInput) -> list[Result]:
    """A condition and an Event that name what is wrong, and nothing touched."""
    story = f"bad input: {seen.case}"
    unsaid = [word for word in seen.words if word not in seen.message]
    told = seen.ready == "False" and not unsaid
    condition = f"Ready={seen.ready or 'absent'}: {seen.message}" + (f" (does not name {unsaid})" if unsaid else "")
    events = [event for event in seen.events if all(word in event for word in seen.words)]
    event = events[0] if events else f"Events: {list(seen.events)}"
    return [
        Result(story, f"a condition names {', '.join(seen.words)}", told, condition),
        Result(story, f"an Event names {', '.join(seen.words)}", bool(events), event),
        _untouched(story, seen),
    ]


def judge_refused(case: str, *, code: int, said: str, words: Sequence[str], found: int) -> Result:
    """The API server itself refuses it at apply, in words that help, and keeps nothing."""
    ok = code != 0 and all(word in said for word in words) and found == 0
    kept = f"; {found} objects were kept" if found else ""
    return Result(f"bad input: {case}", f"refused at apply, naming {', '.join(words)}", ok, said.strip() + kept)


def judge_errors(records: Sequence[Record], releases: Sequence[ReleaseFacts]) -> Result:
    """Outside the bad releases no client ever saw an error."""
    spans = [(facts.applied_at_s, facts.ended_at_s) for facts in releases if facts.plan.failed_metric]
    failed = [
        record
        for record in records
        if record.failed and not any(begin <= record.sent_at_s <= end for begin, end in spans)
    ]
    words = sorted({record.error or str(record.status) for record in failed})
    detail = f"{len(failed)} of {len(records)} requests failed {words or ''}".rstrip()
    return Result("all stories", "no client error outside the bad releases", bool(records) and not failed, detail)


def judge_controller(log: str, *, unasked_ends: Sequence[str], ended_cleanly: bool) -> list[Result]:
    """The process lived until it was ended, ended when it was asked to, and met no error that it did not expect."""
    traces = log.count("Traceback (most recent call last)")
    ends = "; ".join(unasked_ends)
    return [
        Result("controller", "it lives until it is ended", not unasked_ends, ends or "it did"),
        Result(
            "controller",
            "it ends when it is asked to",
            ended_cleanly,
            "within 10 s, exit code 0" if ended_cleanly else "it did not",
        ),
        Result("controller", "no traceback in its log", traces == 0, f"{traces} found"),
    ]


def _untouched(story: str, seen: BadInput) -> Result:
    """The namespace's objects are equal, and the audit log shows no write but to tell of it."""
    writes = [request for request in seen.requests if request.writes and request.resource not in _TOLD]
    touched = [*seen.differences, *(f"{request.verb} {request.resource} {request.name}" for request in writes)]
    told = sum(request.writes for request in seen.requests)
    detail = "; ".join(touched) or f"{seen.compared} objects are equal; {told} writes, to tell of it only"
    return Result(story, "nothing is touched", seen.compared > 0 and not touched, detail)
