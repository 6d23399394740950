"""Which releases status and Events tell of, and what of each."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.resources import CANARIES
from rollouts.core.history import Run, happened_at, in_order, runs_of

A, B = "a" * 16, "b" * 16


def _event(minute: int, reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    """One that people were told at that minute of an hour."""
    return {
        "metadata": {"resourceVersion": str(minute)}, "involvedObject": {"apiVersion": CANARIES.api_version},
        "reason": reason, "message": message, "lastTimestamp": _at(minute), **more,
    }  # fmt: skip


def _at(minute: int) -> str:
    return f"2026-03-02T10:{minute:02}:00Z"


def _status(phase: str, minute: int, **more: Any) -> dict[str, Any]:
    """A Canary whose last release began at that minute."""
    return {"status": {"phase": phase, "startedAt": _at(minute), "lastAppliedSpec": B, **more}}


def _told(runs: list[Run]) -> list[tuple[object, ...]]:
    """Each as a row: revision, outcome, minutes of begin and end, percent, last word."""
    return [
        (run.revision[:1], run.outcome, *(f"{at:%M}" if at else "-" for at in (run.began, run.ended)), run.greatest,
         run.why)
        for run in runs
    ]  # fmt: skip


PROMOTED = [
    _event(1, "NewRevision", f"Revision {A} is released"), _event(2, "WeightChanged", "Weight 0 -> 20 %"),
    _event(3, "WeightChanged", "Weight 20 -> 50 %"), _event(4, "WeightChanged", "Weight 50 -> 0 %"),
    _event(5, "Succeeded", f"Revision {A} is promoted"),
]  # fmt: skip
WAS_PROMOTED = ("a", "promoted", "01", "05", 50.0, f"Revision {A} is promoted")
CASES: dict[str, tuple[list[dict[str, Any]], dict[str, Any], list[Any]]] = {
    "nothing yet": ([], {}, []),
    "promoted, and known from Events alone": (PROMOTED, {"status": {}}, [WAS_PROMOTED]),
    "replaced by another": (
        [_event(1, "Waiting", f"revision {A} waits"), _event(2, "NewRevision", f"Revision {B}")], {},
        [("a", "replaced", "01", "02", 0.0, f"Revision {B}"), ("b", "running", "02", "-", 0.0, f"Revision {B}")],
    ),
    "waited, then began": (
        [_event(1, "Waiting", f"revision {A} waits"), _event(2, "NewRevision", f"Revision {A} starts")], {},
        [("a", "running", "01", "-", 0.0, f"Revision {A} starts")],
    ),
    "its begin is no more": (
        [_event(1, "Rollback", f"Revision {A} failed"), _event(2, "WeightChanged", "Weight 0 -> 1 %"),
         _event(3, "Stranded", "no name")], {},
        [("a", "rolled back", "-", "01", 0.0, f"Revision {A} failed")],
    ),
    "runs, after one before": (
        PROMOTED, _status("Progressing", 9, desiredWeight=30, weightTotal=200),
        [WAS_PROMOTED, ("b", "running", "09", "-", 15.0, "")],
    ),
    "failed, as Events tell it too": (
        [_event(9, "NewRevision", f"Revision {B}"), _event(10, "WeightChanged", "Weight 0 -> 40 %"),
         _event(11, "Rollback", "47.9 %")],
        _status("Failed", 9, finishedAt=_at(11), conditions=[{"type": "Promoted", "message": "it failed"}]),
        [("b", "rolled back", "09", "11", 40.0, "47.9 %")],
    ),
    "taken back": (
        [], _status("Succeeded", 9, finishedAt=_at(12), conditions=[
            {"type": "Ready"}, {"type": "Promoted", "reason": "Reverted", "message": "back to a"}]),
        [("b", "taken back", "09", "12", 0.0, "back to a")],
    ),
    "promoted, as the status has it": (
        [], _status("Succeeded", 9, conditions=[]), [("b", "promoted", "09", "-", 0.0, "")],
    ),
    "the same revision, and no begin in the Events": (
        [_event(12, "Succeeded", f"Revision {B} is promoted")], _status("Succeeded", 9, finishedAt=_at(12)),
        [("b", "promoted", "09", "12", 0.0, f"Revision {B} is promoted")],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("events", "canary", "expected"), CASES.values(), ids=CASES.keys())
def test_the_releases(events: list[dict[str, Any]], canary: dict[str, Any], expected: list[Any]) -> None:
    """Oldest first: what came of each, when, how far it went, and what was said last. Nothing is made up."""
    assert _told(runs_of(in_order(events), canary)) == expected


def test_events_are_ours_and_in_their_order() -> None:
    """By their time, then by their version; a Canary of Flagger's has the same kind, and is not meant."""
    late = _event(5, "late", lastTimestamp=None, eventTime=_at(7))
    first = _event(2, "first", metadata={"resourceVersion": "x"})
    second = _event(2, "second", metadata={"resourceVersion": "9"})
    created = _event(1, "created", lastTimestamp=None, metadata={"creationTimestamp": _at(1)})
    timeless = _event(1, "timeless", lastTimestamp=None, metadata={})
    foreign = _event(1, "foreign", involvedObject={"apiVersion": "flagger.app/v1beta1"})

    found = in_order([late, second, foreign, first, created, timeless])

    assert [event["reason"] for event in found] == ["timeless", "created", "first", "second", "late"]
    assert happened_at(timeless) is None
    assert happened_at(late) is not None
