"""Weight waits a moment longer than Kubernetes: until the proxies know the pods too."""

from __future__ import annotations

from datetime import timedelta

from rollouts.engine.readiness import SETTLES_IN, Readiness
from tests.core.given import at, pods, seen_at


def test_what_was_ready_at_the_first_look_counts_at_once() -> None:
    """A process that has just started holds nothing up."""
    readiness, seen = Readiness(), seen_at(0)
    assert readiness.look(seen) == (seen.target, seen.primary)
    assert readiness.settles_at(at(0)) is None


def test_what_has_become_ready_counts_a_moment_later() -> None:
    """Its pods are counted all the while; a pod that fails meanwhile begins the moment anew."""
    readiness = Readiness(timedelta(seconds=2))
    growing = pods("b", available=1, replicas=2, ready=False)
    readiness.look(seen_at(0, target=growing))

    early, _ = readiness.look(seen_at(5))
    assert early is not None
    assert (early.ready, early.available) == (False, 2)
    assert readiness.settles_at(at(5)) == at(7)
    readiness.look(seen_at(6, target=growing))
    assert readiness.settles_at(at(6)) is None
    readiness.look(seen_at(6.5))
    assert readiness.look(seen_at(8))[0] == pods("b", ready=False)

    assert readiness.look(seen_at(8.5))[0] == pods("b")
    assert readiness.settles_at(at(8.5)) is None


def test_a_workload_without_pods_settles_at_once() -> None:
    """Nothing of it has to be known anywhere."""
    readiness = Readiness(SETTLES_IN)
    readiness.look(seen_at(0, target=None))
    none = pods("b", available=0)
    assert readiness.look(seen_at(1, target=none))[0] == none
