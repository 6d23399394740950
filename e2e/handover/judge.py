"""What is expected of hand-overs, and what the audit log says of them. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from e2e.lab.credentials import CONTROLLER
from e2e.play.result import Json, Result

STOPPED_MAX_S, SILENT_MAX_S = 3.0, 20.0
_WRITES = frozenset({"create", "update", "patch", "delete"})


@dataclass(frozen=True, slots=True)
class Written:
    """One write that the API server took."""

    at_s: float
    """When the server had done it."""
    replica: str
    place: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """One way in which the working replica was taken away."""

    way: str
    replica: str
    at_s: float

    @property
    def max_s(self) -> float:
        """How long it may take."""
        return STOPPED_MAX_S if self.way == "SIGTERM" else SILENT_MAX_S


def read_writes(lines: Iterable[str]) -> list[Written]:
    """What replicas wrote but for Leases and Events, by time."""
    found = []
    for event in (json.loads(line) for line in lines if line.endswith("\n")):
        target, code = event.get("objectRef") or {}, (event.get("responseStatus") or {}).get("code", 0)
        ours = event["user"]["username"] == CONTROLLER and event["verb"] in _WRITES and 200 <= code < 300
        if ours and target.get("resource") not in {"leases", "events", "selfsubjectrulesreviews"}:
            replica = event.get("userAgent", "").rpartition("(")[2].rstrip(")")
            at_s = datetime.fromisoformat(event["stageTimestamp"]).timestamp()
            found.append(Written(at_s, replica, f"{target.get('resource')} {target.get('name')}"))
    return sorted(found, key=lambda written: written.at_s)


def took_s(one: HandOver, writes: Sequence[Written]) -> float | None:
    """From the moment it was taken away to the first write of another one; None if there was none."""
    later = (
        written.at_s - one.at_s for written in writes if written.at_s > one.at_s and written.replica != one.replica
    )
    return next(later, None)


def returns(writes: Sequence[Written]) -> list[str]:
    """Writes of a replica to what a later one has written; each replica works once."""
    found, last, gone = [], dict[str, str](), dict[str, set[str]]()
    for written in writes:
        before = last.get(written.place)
        if before not in {None, written.replica}:
            gone.setdefault(written.place, set()).add(str(before))
        if written.replica in gone.get(written.place, ()):
            found.append(f"{written.replica} wrote {written.place} after {before}")
        last[written.place] = written.replica
    return found


def judge(handed_over: Sequence[HandOver], writes: Sequence[Written]) -> Iterator[Result]:
    """Every expectation."""
    for way in dict.fromkeys(one.way for one in handed_over):
        of_it = [one for one in handed_over if one.way == way]
        times = [took_s(one, writes) for one in of_it]
        ok = all(time is not None and time <= of_it[0].max_s for time in times)
        detail = ", ".join("never" if time is None else f"{time:.2f}" for time in times)
        yield Result(f"{way}, {len(of_it)} times", f"another one writes within {of_it[0].max_s:g} s", ok, detail)
    found = returns(writes)
    replicas = len({written.replica for written in writes})
    detail = found[0] if found else f"{len(writes)} writes of {replicas} replicas"
    ok = not found and replicas > len(handed_over)
    yield Result("audit log", "none writes to an object after its successor has", ok, detail)


def figures_of(handed_over: Sequence[HandOver], writes: Sequence[Written]) -> list[Json]:
    """Each hand-over."""
    return [{"way": one.way, "replica": one.replica, "took_s": took_s(one, writes)} for one in handed_over]


def figure_lines(figures: Sequence[Json]) -> list[str]:
    """A line for each way."""
    lines = []
    for way in dict.fromkeys(one["way"] for one in figures):
        times = sorted(one["took_s"] for one in figures if one["way"] == way and one["took_s"] is not None)
        if times:
            lines.append(f"{way}: {len(times)} hand-overs, {times[0]:.2f} to {times[-1]:.2f} s")
    return lines
