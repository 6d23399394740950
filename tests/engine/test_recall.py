"""A question is asked anew when anything that it looked at is another object, and only then."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from rollouts.api.resources import DEPLOYMENTS, SERVICES, ObjectKey, Resource
from rollouts.engine.recall import Recall, recalled, unless_none
from rollouts.errors import InvariantViolated
from rollouts.ports import Apply, Cluster
from rollouts.testing.memory_cluster import MemoryCluster
from tests.engine.world import NAMESPACE, World

KEY = ObjectKey(NAMESPACE, "it")


def service(replicas: str = "a") -> dict[str, object]:
    """A Service of that name."""
    spec = {"selector": {"app": replicas}, "ports": [{"port": 80}]}
    return {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": KEY.name, "namespace": KEY.namespace}, "spec": spec,
    }  # fmt: skip


class Asked:
    """A question that counts how often it was looked up."""

    def __init__(self, cluster: Cluster) -> None:
        self.looks = 0
        self._cluster, self._recall = cluster, Recall()

    def ask(self, *inputs: object) -> tuple[object, int, str]:
        """What is there."""

        def look(reading: Cluster) -> tuple[object, int, str]:
            self.looks += 1
            listed = len(reading.list_all(SERVICES, KEY.namespace))
            return reading.read(SERVICES, KEY), listed, reading.trouble(SERVICES)

        return self._recall.of(self._cluster, "what is there", inputs, look)


@pytest.fixture
def cluster() -> MemoryCluster:
    """With one Service."""
    made = World().cluster
    made.put(SERVICES, service())
    return made


@pytest.mark.parametrize(
    ("change", "looks"),
    [
        (lambda _cluster: None, 1),
        (lambda cluster: cluster.put(DEPLOYMENTS, {"metadata": {"name": "b", "namespace": "b"}, "spec": {}}), 1),
        (lambda cluster: cluster.edit(SERVICES, KEY, {"spec": {"selector": {"app": "b"}}}), 2),
        (lambda cluster: cluster.delete(SERVICES, KEY), 2),
        (lambda cluster: cluster.put(SERVICES, service() | {"metadata": {"name": "b", "namespace": NAMESPACE}}), 2),
        (lambda cluster: cluster.troubles.update({SERVICES: "forbidden"}), 2),
    ],
    ids=["nothing", "another kind", "its content", "gone", "one more", "trouble"],
)
def test_it_is_looked_up_again_when_what_it_read_has_changed(
    cluster: MemoryCluster, change: Callable[[MemoryCluster], object], looks: int
) -> None:
    """And what it says is always what a fresh look would say."""
    asked = Asked(cluster)
    asked.ask()
    change(cluster)
    assert asked.ask() == Asked(cluster).ask()
    assert asked.looks == looks


def test_other_inputs_are_another_question(cluster: MemoryCluster) -> None:
    """Equal ones are the same."""
    asked = Asked(cluster)
    for inputs in ((1, ("a",)), (1, ("a",)), (2, ("a",))):
        asked.ask(*inputs)
    assert asked.looks == 2


async def test_a_question_writes_nothing(cluster: MemoryCluster) -> None:
    """What is recalled would not be written the next time."""
    pending = Recall().of(cluster, "a write", (), lambda reading: reading.write(Apply(SERVICES, service())))
    with pytest.raises(InvariantViolated):
        await pending


class Parts:
    """A question that is made of two others, of which each looks at one object."""

    def __init__(self) -> None:
        self.looks: list[str] = []
        self._recall = Recall()

    def ask(self, cluster: Cluster) -> tuple[bool, ...]:
        """Which of the objects are there."""
        return self._recall.of(cluster, "both", (), self.together)

    def together(self, cluster: Cluster) -> tuple[bool, ...]:
        """The same of stores that come with a memory, or without."""
        return tuple(recalled(cluster, str(kind), (), self._there(kind)) for kind in (SERVICES, DEPLOYMENTS))

    def _there(self, kind: Resource) -> Callable[[Cluster], bool]:
        def look(reading: Cluster) -> bool:
            self.looks.append(kind.kind)
            return reading.read(kind, KEY) is not None

        return look


def test_of_a_question_made_of_others_only_that_is_looked_up_which_has_changed(cluster: MemoryCluster) -> None:
    """What the whole looked at is what its parts did, also where these are still known."""
    parts = Parts()
    assert parts.ask(cluster) == (True, False)
    cluster.edit(SERVICES, KEY, {"spec": {"selector": {"app": "b"}}})
    assert parts.ask(cluster) == (True, False)
    assert parts.looks == ["Service", "Deployment", "Service"]
    cluster.put(DEPLOYMENTS, {"metadata": {"name": KEY.name, "namespace": KEY.namespace}, "spec": {}})
    assert parts.ask(cluster) == (True, True)
    cluster.delete(SERVICES, KEY)
    assert parts.ask(cluster) == (False, True)
    assert parts.looks == ["Service", "Deployment", "Service", "Deployment", "Service"]


def test_without_a_memory_all_of_it_is_looked_up(cluster: MemoryCluster) -> None:
    """Each time."""
    parts = Parts()
    assert [parts.together(cluster) for _ in range(2)] == [(True, False)] * 2
    assert len(parts.looks) == 4


@pytest.mark.parametrize(
    ("image", "change", "looks"),
    [
        ("a", lambda _cluster: None, 1),
        ("a", lambda cluster: cluster.edit(SERVICES, KEY, {"spec": {"selector": {"app": "b"}}}), 2),
        ("b", lambda _cluster: None, 2),
        ("b", lambda cluster: cluster.edit(SERVICES, KEY, {"spec": {"selector": {"app": "b"}}}), 2),
    ],
    ids=["nothing to do", "something to do since", "still something to do", "done since"],
)
def test_only_that_there_is_nothing_is_kept(
    cluster: MemoryCluster, image: str, change: Callable[[MemoryCluster], object], looks: int
) -> None:
    """What is to be done is worked out from the objects as they are when it is done."""
    looked: list[str] = []

    def find(reading: Cluster) -> Iterator[str]:
        looked.append(image)
        known = reading.read(SERVICES, KEY)
        if known is None or known["spec"]["selector"]["app"] != image:
            yield image

    recall = Recall()
    recall_over = recall.over(cluster)
    list(unless_none(recall_over, "it", (), find))
    change(cluster)
    found = list(unless_none(recall_over, "it", (), find))
    assert found == list(find(cluster))
    assert len(looked) == looks + 1
