"""One write that a client asks for, as read from its request."""

from __future__ import annotations

from dataclasses import dataclass

from rollouts.api.resources import Manifest
from rollouts.embedded.answers import Refusal
from rollouts.embedded.reading import Query
from rollouts.embedded.target import Target
from rollouts.testing.memory_apply import Manager
from rollouts.testing.memory_journal import Place


@dataclass(frozen=True, slots=True)
class Asked:
    """One write that a client asks for."""

    target: Target
    query: Query
    body: Manifest | list[Manifest]
    manager: Manager
    patch: str = ""
    """Media type of a patch."""

    @property
    def dry(self) -> bool:
        """Whether nothing is to be stored."""
        return self.query.get("dryRun") == "All"

    @property
    def place(self) -> Place:
        """What is written."""
        return self.target.kind.resource, self.target.key

    @property
    def manifest(self) -> Manifest:
        """The body, which is an object. Raises Refusal."""
        if not isinstance(self.body, dict):
            raise Refusal(400, "the body of the request was in an unknown format: an object is needed")
        return self.body
