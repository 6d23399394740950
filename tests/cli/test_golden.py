"""What a person reads: each page as a file that can be read too. `GOLDEN=write` in the environment writes them anew."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollouts.api.resources import CANARIES, Manifest, ObjectKey
from rollouts.cli.cluster import board, describing, listing, runs
from rollouts.cli.cluster.events import table
from rollouts.cli.cluster.model import known_of
from rollouts.cli.cluster.paint import Paint
from rollouts.core.history import in_order, runs_of
from rollouts.core.outlook import outlook
from rollouts.kube.follow import Seen

GOLDEN = Path(__file__).with_name("golden")
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOLD: dict[str, Any] = yaml.safe_load((GOLDEN / "canaries.yaml").read_text(encoding="utf-8"))
NAMES = ("gate", "stepping", "failed", "frozen")


def told_events() -> tuple[Manifest, ...]:
    """Those of the Canary that failed, as the API has them."""
    about = {"apiVersion": CANARIES.api_version, "kind": "Canary", "namespace": "prod", "name": "cart"}
    made = [
        {**told, "metadata": {"resourceVersion": str(number)}, "involvedObject": about}
        for number, told in enumerate(TOLD["events"])
    ]
    return tuple(in_order(made))


def _described(name: str) -> describing.Described:
    canary = TOLD[name]
    known = known_of(canary)
    told = told_events() if name == "failed" else ()
    return describing.Described(canary, known, outlook(known.spec, known.status, NOW), told, NOW)


def _all() -> dict[ObjectKey, Manifest]:
    return {ObjectKey.of(TOLD[name]): TOLD[name] for name in NAMES}


def _is(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_a_page_of_describe(name: str) -> None:
    """It says why the Canary is where it is, what comes next and when, what can be done, and all the numbers."""
    _is(f"describe-{name}", describing.page(_described(name), Paint(), "kubectl canary"))


def test_lists() -> None:
    """A line for each Canary, and with `-o wide` all columns."""
    canaries = list(_all().values())
    plain = listing.table(canaries, NOW, Paint())
    wide = listing.table(canaries, NOW, Paint(), form="wide", namespaces=True)
    _is("get", f"$ rollouts get\n{plain}\n$ rollouts get -A -o wide\n{wide}")


def test_the_live_table() -> None:
    """Shares as a sparkline: by the plan while it is followed, else as they were seen."""
    seen = board.Board()
    seen.take(Seen(_all()), NOW)
    api = ObjectKey("prod", "api")
    back = TOLD["stepping"] | {"status": TOLD["stepping"]["status"] | {"desiredWeight": 0, "phase": "Failed"}}
    first = board.draw(seen, NOW, Paint(width=120), namespaces=False).plain
    seen.take(Seen(_all() | {api: back}, "no answer"), NOW)
    later = board.draw(seen, NOW, Paint(width=120), namespaces=False).plain
    _is("watch", f"{first}\n\nThe release of api is rolled back, and the server goes away:\n\n{later}\n")


def test_the_lines_of_a_pipe() -> None:
    """On a pipe each change is a line, and what does not change is none."""
    seen, api = board.Board(), ObjectKey("prod", "api")
    more = TOLD["stepping"] | {"status": TOLD["stepping"]["status"] | {"desiredWeight": 30, "stepIndex": 3}}
    lines = []
    for objects in (_all(), _all(), _all() | {api: more}, {}):
        lines += [board.line(summary, key, NOW) for key, summary in seen.take(Seen(objects), NOW)]
    _is("watch-pipe", "".join(f"{line}\n" for line in lines))


def test_history_and_events() -> None:
    """The releases, newest first, from events and status; and the events themselves."""
    found = runs_of(told_events(), TOLD["failed"])
    titles = ("REVISION", "OUTCOME", "BEGAN", "LASTED", "GREATEST WEIGHT", "SAID LAST")
    history = Paint().table(titles, runs.rows(found, NOW))
    told = table(told_events(), NOW, Paint(), names=True)
    _is("history", f"$ rollouts history cart\n{history}\n$ rollouts events\n{told}")


def test_colours_are_for_terminals() -> None:
    """A terminal gets colours, and the last column cut to fit; NO_COLOR and pipes get neither escape nor loss."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    colours, plain = Paint.of(Terminal(), {"TERM": "xterm"}), Paint.of(Terminal(), {"NO_COLOR": "1"})
    rows = [["Failed", "x" * 300]]

    assert "\x1b[31mFailed" in colours.table(("PHASE", "WHY"), rows)
    assert "\x1b" not in plain.table(("PHASE", "WHY"), rows)
    assert "…" in plain.table(("PHASE", "WHY"), rows)
    assert Paint.of(io.StringIO()).table(("PHASE", "WHY"), rows).endswith("x" * 300 + "\n")
