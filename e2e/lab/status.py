"""What a lab's supervisor last wrote down, read back by whoever asks."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from e2e.lab.crew import PartState, PartStatus
from e2e.lab.identity import ProcessIdentity
from e2e.lab.namespaces import Isolation

if TYPE_CHECKING:
    from e2e.lab.layout import Layout


@dataclass(frozen=True, slots=True)
class LabStatus:
    """What is known of a lab. `supervisor` is None where none was started or it was taken down."""

    supervisor: ProcessIdentity | None = None
    is_up: bool = False
    isolation: Isolation = field(default_factory=lambda: Isolation(user_namespace=False))
    parts: dict[str, PartStatus] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether it is up and every part is what it should be."""
        good = (PartState.READY, PartState.DONE)
        return self.is_up and all(part.state in good for part in self.parts.values())


def read_status(layout: Layout) -> LabStatus:
    """What the supervisor last wrote, and whether it still lives."""
    try:
        state: dict[str, Any] = json.loads(layout.state.read_text())
    except FileNotFoundError:
        return LabStatus()
    who = ProcessIdentity(state["pid"], state["start_ticks"], state["boot_id"])
    parts = {name: PartStatus(**{**part, "state": PartState(part["state"])}) for name, part in state["parts"].items()}
    return LabStatus(who, who.is_alive(), Isolation(user_namespace=state["user_namespace"]), parts)
