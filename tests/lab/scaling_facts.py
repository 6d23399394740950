"""An invented run beside an autoscaler as it should be, to be spoiled in one respect by each test."""

from __future__ import annotations

from collections.abc import Iterator

from e2e.lab.load import Record
from e2e.play.seen import PRIMARY, TARGET, Shares, SharesSeen, StatusSeen
from e2e.scaling.facts import RunFacts, ScalerSeen, SizeSeen
from tests.lab.first_light_facts import record

END_S = 60.0
ABORTED_S = 30.0


def size(at_s: float, name: str, replicas: int, ready: int | None = None) -> SizeSeen:
    """A Deployment whose pods are all ready, if not said."""
    return SizeSeen(at_s, name, replicas, replicas if ready is None else ready)


def scaler(at_s: float, name: str, least: int, desired: int = 4, limited: str = "") -> ScalerSeen:
    """An autoscaler at work."""
    return ScalerSeen(at_s, name, least, 10, desired, limited, "ValidMetricFound")


def run_facts(*, promotes: bool = False) -> RunFacts:
    """Half of the load from second 10 on; broken off at second 30, or promoted."""
    phases = ("Progressing", "Promoting", "Finalising", "Succeeded") if promotes else ("Progressing", "Failed")
    starts = (1.0, 35.0, 40.0, 45.0) if promotes else (1.0, ABORTED_S + 1)
    back_s = 40.0 if promotes else ABORTED_S + 2
    return RunFacts(
        story="promotion" if promotes else "rollback",
        version="2",
        promotes=promotes,
        applied_at_s=0.0,
        ended_at_s=END_S,
        statuses=tuple(StatusSeen(at_s, phase, 1, 50) for at_s, phase in zip(starts, phases, strict=True)),
        shares=(
            SharesSeen(10.0, 9.9, Shares(50, 50)),
            SharesSeen(back_s, back_s - 0.1, Shares(0, 0)),
        ),
        sizes=(
            size(-20.0, PRIMARY, 4), size(-20.0, TARGET, 0), size(1.0, TARGET, 4, 0), size(5.0, TARGET, 4),
            size(12.0, TARGET, 2), size(50.0, TARGET, 0),
        ),
        scalers=(
            scaler(1.0, "app-primary", 4), scaler(5.0, "app", 1), scaler(14.0, "app-primary", 4, 4, "TooFewReplicas"),
            scaler(50.0, "app-primary", 2),
        ),
        records=tuple(_records()),
        aborted_at_s=None if promotes else ABORTED_S,
        primary_version="2" if promotes else "1",
    )  # fmt: skip


def _records() -> Iterator[Record]:
    for number in range(int(END_S)):
        canary = 10 <= number < 30 and number % 2
        yield record(float(number), TARGET if canary else PRIMARY, "2" if canary else "1")
