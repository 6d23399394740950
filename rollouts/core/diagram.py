"""The state machine as people read it: a Mermaid diagram and a table, written from TRANSITIONS. Pure.

docs/state-machine.md is what `page()` returns; a test fails when the two differ, so the page can't lie.
"""

from __future__ import annotations

from collections.abc import Iterator

from rollouts.core.phases import TRANSITIONS, Row, Share

_SHARE = {
    Share.KEEP: "as it is", Share.NONE: "0 %", Share.NEXT: "the next step's", Share.BACK: "the next on the way back",
    Share.ASKED: "as asked", Share.ALL: "100 %",
}  # fmt: skip
_HEAD = """# The state machine

Written from rollouts/core/phases.py by `make docs`; do not edit.

"""


def page() -> str:
    """The whole page, as Markdown."""
    return _HEAD + "\n".join([*_diagram(), "", *_moves()]) + "\n"


def _diagram() -> Iterator[str]:
    """Moves from one phase to another; what stays in its phase stands in the table only."""
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield "    [*] --> Initializing"
    for (phase, event), row in TRANSITIONS.items():
        if row.to is not phase:
            yield f"    {phase} --> {row.to}: {event}"
    yield "```"


def _moves() -> Iterator[str]:
    yield "| in phase | on | goes to | weight of the canary |"
    yield "|---|---|---|---|"
    for (phase, event), row in TRANSITIONS.items():
        yield f"| {phase} | {event} | {_destination(phase, row)} | {_SHARE[row.share]} |"


def _destination(phase: str, row: Row) -> str:
    return "-" if row.to == phase else row.to
