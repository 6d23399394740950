"""What is made of a way to leave, by what was seen of it."""

from __future__ import annotations

from dataclasses import replace

from e2e.footprint.judge import MIB, Asked, Usage, asked_in, judge_usages
from e2e.lab.load import Record
from e2e.leaving.cast import cast
from e2e.leaving.judge import LeaveFacts, RoleFacts, judge_leaving
from e2e.play.kubectl import Answer

ROLES = {role.name: role for role in cast()}
KEPT = {("Deployment", "app"): '{"replicas":2}'}
MARKED = (("Service", "app"), "rollouts.dev/canary")


def _answered(at_s: float, *, status: int = 200, version: str = "2", workload: str = "app") -> Record:
    return Record(at_s, at_s + 0.1, 100.0, status, version=version, workload=workload)


SEEN = RoleFacts(ROLES["midway"], (_answered(1.0), _answered(9.0)), frozenset({"app"}), KEPT, KEPT, ())
FACTS = LeaveFacts("delete at once", Answer(0, "", ""), 5.0, 6.0, (), (SEEN,), ended_cleanly=True)


def _failed(facts: LeaveFacts) -> list[str]:
    return [result.expected for result in judge_leaving(facts) if not result.ok]


def _of_role(seen: RoleFacts) -> list[str]:
    return _failed(replace(FACTS, roles=(seen,)))


def test_a_clean_end_is_one() -> None:
    """Nothing failed, nothing is left, somebody serves."""
    assert _failed(FACTS) == []


def test_what_is_left_behind_is_found() -> None:
    """An object, a command that ends badly, a process that had to be killed; after a kill that is nobody's fault."""
    left = replace(FACTS, left=("crd/canaries.rollouts.dev",), answer=Answer(1, "", "no"), ended_cleanly=False)
    assert len(_failed(left)) == 3
    assert _failed(replace(FACTS, way="killed", ended_cleanly=False)) == []


def test_what_clients_got_counts() -> None:
    """A failed request, two versions at the end, one that has no pods, and nobody who asked at all."""
    assert _of_role(replace(SEEN, records=(_answered(1.0, status=503), _answered(9.0)))) == ["no request fails"]
    served = ["one version that runs has the traffic"]
    assert _of_role(replace(SEEN, records=(_answered(8.0, version="1"), _answered(9.0)))) == served
    assert _of_role(replace(SEEN, running=frozenset({"other"}))) == served
    assert len(_of_role(replace(SEEN, records=()))) == 2


def test_what_the_user_has_is_compared() -> None:
    """Pods that are fewer, an object that is new; the way in stays where the user had none, with its label."""
    assert _of_role(replace(SEEN, now={("Deployment", "app"): '{"replicas":0}'})) == ["what the user has is as it was"]
    entrance = replace(SEEN, now=KEPT | {("Service", "app"): "{}"}, marks=(MARKED,))
    assert _of_role(entrance) == []
    assert len(_of_role(replace(entrance, role=ROLES["rest"]))) == 2


def test_a_process_is_held_to_its_manifest() -> None:
    """CPU and memory while something lasts, and the limit against the peak."""
    asked = Asked(0.05, 100 * MIB, 200 * MIB)
    within = Usage("rest", 10.0, 0.1, 90 * MIB, 95 * MIB)
    assert all(result.ok for result in judge_usages([within], asked))
    above = replace(within, cpu_s=1.0, memory_bytes=101 * MIB, peak_bytes=101 * MIB)
    assert [result.ok for result in judge_usages([above], asked)] == [False, False, False]
    assert next(judge_usages([replace(above, covered=0.1)], asked)).ok


def test_the_manifest_is_read_with_its_units() -> None:
    """Thousandths of a core, and mebibytes."""
    resources = {"requests": {"cpu": "50m", "memory": "160Mi"}, "limits": {"memory": "512Mi"}}
    deployment = {"spec": {"template": {"spec": {"containers": [{"resources": resources}]}}}}
    assert asked_in(deployment) == Asked(0.05, 160 * MIB, 512 * MIB)
