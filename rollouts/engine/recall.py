"""What a question to the stores came to, kept while all that it looked at is as it was.

The stores never change an object that they handed out. So whoever only reads them gets the same answer as long as each
of its reads gives the same objects, and to ask for these again costs a small part of what was made of them. Knows
nothing of what is asked. Losing it costs time, nothing else.

A question may be made of others (`recalled`, `unless_none`): then, of what it was made of, only that is looked up anew
whose own objects have changed. Where the stores come without a memory, all of it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
        if self._stands(cluster, question, inputs):
            kept: T = self._answers[question].answer
            return kept
        looked_at = _Looking(cluster, self)
        answer = look(looked_at)
        self._keep(question, inputs, looked_at, answer)
        return answer

    def unless_none(
        self, cluster: Cluster, question: str, inputs: tuple[object, ...], find: Callable[[Cluster], Iterator[T]]
    ) -> Iterator[T]:
        """What `find` gives, one by one as it is asked for. That there is nothing is kept, and nothing else."""
        if self._stands(cluster, question, inputs):
            return
        looked_at, found = _Looking(cluster, self), False
        for one in find(looked_at):
            found = True
            yield one
        if not found:
            self._keep(question, inputs, looked_at, None)

    def over(self, cluster: Cluster) -> Cluster:
        """The same stores, for questions that are made of others."""
        return _Beside(cluster, self)

    def forget(self) -> None:
        """All of it: it takes memory, and a Canary at rest is seldom asked about."""
        self._answers.clear()

    def _stands(self, cluster: Cluster, question: str, inputs: tuple[object, ...]) -> bool:
        """Whether the answer that is kept is still true."""
        known = self._answers.get(question)
        return known is not None and known.inputs == inputs and known.looked_at.is_same(cluster)

    def _keep(self, question: str, inputs: tuple[object, ...], looked_at: _Looking, answer: object) -> None:
        looked_at.close()
        self._answers[question] = _Answer(inputs, looked_at, answer)


def recalled(cluster: Cluster, question: str, inputs: tuple[object, ...], look: Callable[[Cluster], T]) -> T:
    """As `Recall.of`, where the stores come with one."""
    if isinstance(cluster, _Looking | _Beside):
        return cluster.recall.of(cluster, question, inputs, look)
    return look(cluster)


def unless_none(
    cluster: Cluster, question: str, inputs: tuple[object, ...], find: Callable[[Cluster], Iterator[T]]
) -> Iterator[T]:
    """As `Recall.unless_none`, where the stores come with one."""
    if isinstance(cluster, _Looking | _Beside):
        return cluster.recall.unless_none(cluster, question, inputs, find)
    return find(cluster)


class _Beside:
    """Implements `ports.Cluster`: the stores themselves, beside a memory."""

    def __init__(self, cluster: Cluster, recall: Recall) -> None:
        self.recall = recall
        self.read, self.list_all, self.trouble = cluster.read, cluster.list_all, cluster.trouble
        self.write = cluster.write


@dataclass(frozen=True, slots=True)
class _Answer:
    inputs: tuple[object, ...]
    looked_at: _Looking
    answer: Any


@dataclass(slots=True)
class _Looking:
    """Implements `ports.Cluster` for one look: notes each read with what it gave."""

    _cluster: Cluster
    recall: Recall
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

    def close(self) -> None:
        """The notes stay. Where they were taken is let go: that may have notes of its own, of objects long replaced."""
        del self._cluster

    def is_same(self, cluster: Cluster) -> bool:
        """Whether each read would give the same now."""
        for (resource, key), known in self._objects.items():  # no generator: this is most of what a look does
            if cluster.read(resource, key) is not known:
                return False
        return all(cluster.list_all(*place).is_same(known) for place, known in self._lists.items()) and all(
            cluster.trouble(resource) == known for resource, known in self._troubles.items()
        )
