"""`rollouts describe`: all that is known of one Canary, and first why it is where it is and what comes next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rollouts.api.actions import Verb
from rollouts.api.resources import Manifest
from rollouts.api.status import CanaryStatus, MetricResult
from rollouts.cli.cluster import events
from rollouts.cli.cluster.model import Known, known_of
from rollouts.cli.cluster.paint import Paint
from rollouts.cli.cluster.session import Session
from rollouts.cli.cluster.spark import spark
from rollouts.cli.cluster.summary import Summary, summary_of
from rollouts.cli.cluster.times import since, until
from rollouts.cli.refused import CommandRefused
from rollouts.core.outlook import Outlook, outlook, why_now
from rollouts.core.parts import in_percent
from rollouts.core.plan import plan_of

EVENTS_MAX = 10
_KEY = 13
_SAFE: Mapping[Verb | None, str] = {Verb.ABORT: "all traffic goes back to the side that serves now", None: ""}


@dataclass(frozen=True, slots=True)
class Described:
    """What there is to tell at one instant."""

    canary: Manifest
    known: Known | None
    """None where the object is not understood; `flaw` says why."""
    outlook: Outlook | None
    events: tuple[Manifest, ...]
    now: datetime
    flaw: str = ""


async def describe(session: Session, name: str) -> Described:
    """Look at it. Raises CommandRefused."""
    canary = await session.canary(name)
    told = await _events(session, name)
    now = session.now()
    try:
        known = known_of(canary)
    except CommandRefused as flaw:
        return Described(canary, None, None, told, now, str(flaw))
    return Described(canary, known, outlook(known.spec, known.status, now), told, now)


async def _events(session: Session, name: str) -> tuple[Manifest, ...]:
    """Its last events; none for those who may not read any."""
    try:
        return tuple((await events.read_events(session, name))[-EVENTS_MAX:])
    except CommandRefused:
        return ()


def as_told(described: Described) -> dict[str, Any]:
    """For programs."""
    known, found = described.known, described.outlook
    metadata = described.canary["metadata"]
    told: dict[str, Any] = {"namespace": metadata.get("namespace", ""), "name": metadata["name"]}
    if found is None or known is None:
        return {**told, "why": described.flaw, "status": described.canary.get("status") or {}}
    return {
        **told,
        "why": _why(described),
        "next": [{"what": one.what, "at": one.at.isoformat() if one.at is not None else None} for one in found.coming],
        "possible": list(found.possible),
        "safe": found.safe,
        "status": described.canary.get("status") or {},
        "events": [
            {field: event.get(field) for field in ("type", "reason", "message", "lastTimestamp")}
            for event in described.events
        ],
    }


def page(described: Described, paint: Paint, program: str) -> str:
    """For people; `program` is what they called, so that what they may do can be copied."""
    return "".join(f"{line}\n" for line in _page(described, paint, program))


def _page(described: Described, paint: Paint, program: str) -> Iterator[str]:
    summary = summary_of(described.canary, described.now)
    known, found = described.known, described.outlook
    yield from _head(summary, known, paint)
    yield _pair("Why", _why(described) or summary.why, paint)
    if found is not None and known is not None:
        yield from _ahead(found, described, paint, program)
        yield from _waits(known.status, described.now, paint)
        yield from _metrics(known.status, described.now, paint)
        yield from _actions(known.status, described.now, paint)
        yield from _conditions(known.status, described.now, paint)
    if described.events:
        yield ""
        yield paint("Events:", "bold")
        yield _indented(events.table(described.events, described.now, paint, names=False))


def _head(summary: Summary, known: Known | None, paint: Paint) -> Iterator[str]:
    yield _pair("Name", summary.name, paint)
    yield _pair("Namespace", summary.namespace, paint)
    how = f", {known.spec.analysis.strategy}" if known is not None else ""
    yield _pair("Target", f"{summary.target}{how}", paint)
    yield _pair("Phase", f"{paint.word(summary.phase)} for {summary.since}", paint)
    yield _pair("Revision", f"{summary.revision} (promoted: {summary.promoted})", paint)
    if known is not None:
        yield _pair("Weight", _weight(known, summary), paint)
    if summary.failed != "-":
        yield _pair("Failed", f"{summary.failed} checks", paint)


def _weight(known: Known, summary: Summary) -> str:
    status, plan = known.status, plan_of(known.spec.analysis)
    shares = [100 * step.weight / known.spec.analysis.weight_total for step in plan]
    steps = f"step {status.step_index} of {len(plan)}  {spark(shares, status.step_index)}" if summary.running else ""
    seen = status.observed_weight
    differs = seen is not None and seen != status.desired_weight
    routes = f", the routes give it {in_percent(seen, status.weight_total)}" if differs and seen is not None else ""
    return "  ".join(part for part in (f"{summary.share}{routes}", steps) if part)


def _why(described: Described) -> str:
    known, found = described.known, described.outlook
    if known is None or found is None:
        return described.flaw
    return why_now(found, known.status, known.generation)


def _ahead(found: Outlook, described: Described, paint: Paint, program: str) -> Iterator[str]:
    times = [until(one.at, described.now) for one in found.coming]
    wide = max(map(len, times), default=0)
    for number, (one, time) in enumerate(zip(found.coming, times, strict=True)):
        yield _pair("" if number else "Next", f"{time:<{wide}}  {one.what}" if wide else one.what, paint)
    metadata = described.canary["metadata"]
    if found.possible:
        yield _pair("You can", ", ".join(found.possible), paint)
    if found.safe is not None:
        words = f"{program} {found.safe} {metadata['name']} -n {metadata.get('namespace', '')}"
        yield _pair("Safe", f"{words}   ({_SAFE[found.safe]})", paint)


def _waits(status: CanaryStatus, now: datetime, paint: Paint) -> Iterator[str]:
    gate, hold = status.gate, status.hold
    if gate is not None:
        state = "open" if gate.approved else gate.message or "closed"
        yield _pair("Gate", f"{gate.type} for {since(gate.since, now)}: {state}", paint)
    if hold is not None:
        ends = f", over {until(hold.until, now)}" if hold.until is not None else ""
        yield _pair("Hold", f"{hold.reason} for {since(hold.since, now)}{ends}: {hold.message}", paint)
    if status.share is not None:
        yield _pair("Share", status.share.message, paint)


def _metrics(status: CanaryStatus, now: datetime, paint: Paint) -> Iterator[str]:
    if not status.metrics:
        return
    yield ""
    yield paint("Metrics:", "bold")
    rows = [_metric(result, now) for result in status.metrics]
    yield _indented(paint.table(("VERDICT", "NAME", "VALUE", "AGE", "SAYS"), rows))


def _metric(result: MetricResult, now: datetime) -> list[str]:
    value = "-" if result.value is None else f"{result.value:.6g}"
    dry = " (dry run)" if result.dry_run else ""
    return [str(result.verdict), result.name + dry, value, since(result.measured_at, now), result.message]


def _actions(status: CanaryStatus, now: datetime, paint: Paint) -> Iterator[str]:
    if not status.actions:
        return
    yield ""
    yield paint("Last actions:", "bold")
    newest = sorted(status.actions, key=lambda one: one.taken_at, reverse=True)
    rows = [[since(one.taken_at, now), one.verb, one.outcome, one.user or "-", one.message] for one in newest]
    yield _indented(paint.table(("AGE", "ACTION", "OUTCOME", "WHO", "WHAT CAME OF IT"), rows))


def _conditions(status: CanaryStatus, now: datetime, paint: Paint) -> Iterator[str]:
    if not status.conditions:
        return
    yield ""
    yield paint("Conditions:", "bold")
    rows: Sequence[Sequence[str]] = [
        [one.type, one.status, one.reason, since(one.last_transition_time, now), one.message]
        for one in status.conditions
    ]
    yield _indented(paint.table(("TYPE", "STATUS", "REASON", "AGE", "MESSAGE"), rows))


def _pair(title: str, text: str, paint: Paint) -> str:
    head = f"{title}:" if title else ""
    return f"{paint(head.ljust(_KEY), 'bold') if title else ' ' * _KEY}{text}".rstrip()


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
