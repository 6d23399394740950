"""What a question to the stores came to, kept while all that it looked at is as it was.

The stores never change an object that they handed out. So whoever only reads them gets the same answer as long as each
of its reads gives the same objects, and to ask for these again costs a small part of what was made of them. Knows
nothing of what is asked. Losing it costs time, nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rollouts.api.known import Listing
from rollouts.api.resources import Manifest, ObjectKey, Resource
from rollouts.errors import InvariantViolated
from rollouts.ports import Cluster, Write

T = TypeVar("T")


class Recall:
    """Of one Canary, by the name of the question."""

    def __init__(self) -> None:
        self._answers: dict[str, _Answer] = {}

    def of(self, cluster: Cluster, question: str, inputs: tuple[object, ...], look: Callable[[Cluster], T]) -> T:
        """What `look` says of the stores. It must go by them and by `inputs` alone, and write nothing."""
        known = self._answers.get(question)
        if known is not None and known.inputs == inputs and known.looked_at.is_same(cluster):
            kept: T = known.answer
            return kept
        looked_at = _Looking(cluster)
        answer = look(looked_at)
        self._answers[question] = _Answer(inputs, looked_at, answer)
        return answer

    def forget(self) -> None:
        """All of it: it takes memory, and a Canary at rest is seldom asked about."""
        self._answers.clear()


@dataclass(frozen=True, slots=True)
class _Answer:
    inputs: tuple[object, ...]
    looked_at: _Looking
    answer: Any


@dataclass(slots=True)
class _Looking:
    """Implements `ports.Cluster` for one look: notes each read with what it gave."""

    _cluster: Cluster
    _objects: dict[tuple[Resource, ObjectKey], Manifest | None] = field(default_factory=dict)
    _lists: dict[tuple[Resource, str], Listing] = field(default_factory=dict)
    _troubles: dict[Resource, str] = field(default_factory=dict)

    def read(self, resource: Resource, key: ObjectKey) -> Manifest | None:
        """As the port says."""
        found = self._objects[resource, key] = self._cluster.read(resource, key)
        return found

    def list_all(self, resource: Resource, namespace: str = "") -> Listing:
        """As the port says."""
        found = self._lists[resource, namespace] = self._cluster.list_all(resource, namespace)
        return found

    def trouble(self, resource: Resource) -> str:
        """As the port says."""
        found = self._troubles[resource] = self._cluster.trouble(resource)
        return found

    async def write(self, write: Write) -> Manifest:
        """Nothing that is recalled writes."""
        raise InvariantViolated(f"{write.resource} is written while only a question is asked")

    def is_same(self, cluster: Cluster) -> bool:
        """Whether each read would give the same now."""
        return (
            all(cluster.read(*place) is known for place, known in self._objects.items())
            and all(cluster.list_all(*place).is_same(known) for place, known in self._lists.items())
            and all(cluster.trouble(resource) == known for resource, known in self._troubles.items())
        )
