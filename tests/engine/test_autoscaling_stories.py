"""Stories of autoscalers that a user can read: the real engine, pods that take their time, and an autoscaler in memory.

`canary` is laid over the usual spec, `script` is what happens. Then: the sizes of the primary and of the canary in
order, each once while it lasts; between which seconds the primary has how many at least; and how it ends.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollouts.testing.scenario import Scenario, Sized, Timeline
from rollouts.testing.scenario_run import run
from tests.engine.world import canary_manifest

FOLDER = Path(__file__).parent / "golden"
STORIES: dict[str, dict[str, Any]] = {
    file.stem: yaml.safe_load(file.read_text()) for file in sorted(FOLDER.glob("*.yaml"))
}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", STORIES)
def test_story_is_told_as_written(name: str, seed: int) -> None:
    """Whatever the pods and the watches do to the times."""
    story = STORIES[name]
    timeline = run(_scenario(story), seed)
    held = story["held"]
    assert str(timeline.status.phase) == story["ends"]
    assert _sizes(timeline, "app-primary") == story["primary"]
    assert story.get("canary sizes", _sizes(timeline, "app")) == _sizes(timeline, "app")
    assert _least(timeline, held["from"], held["until"]) >= held["at least"]


def test_without_the_hold_the_primary_would_shrink() -> None:
    """The autoscaler in memory does take pods away within the time that the stories hold them."""
    story = STORIES["held-through-a-rollback"]
    script = {**story["script"], "when": [{"at": 0, "load": 4}, {"at": 60, "load": 2}], "until": 160}
    timeline = run(_scenario({**story, "script": script}))
    assert _least(timeline, 60, 160) == 2


@pytest.mark.parametrize("kind", ["HorizontalPodAutoscaler", "ScaledObject"])
def test_a_canary_with_an_autoscaler_needs_no_script_for_it(kind: str) -> None:
    """Whoever only wants to see its steps: nobody scales then."""
    version = "autoscaling/v2" if kind == "HorizontalPodAutoscaler" else "keda.sh/v1alpha1"
    canary = {"autoscalerRef": {"apiVersion": version, "kind": kind, "name": "web"}}
    timeline = run(_scenario({"canary": canary, "script": {"when": [{"at": 5, "apply": "b"}]}}))
    assert str(timeline.status.phase) == "Succeeded"
    assert _sizes(timeline, "app-primary") == [2]


def _scenario(story: dict[str, Any]) -> Scenario:
    manifest = canary_manifest()
    analysis = manifest["spec"]["analysis"] | story["canary"].get("analysis", {})
    return Scenario.of(
        {**manifest, "spec": manifest["spec"] | story["canary"] | {"analysis": analysis}}, story["script"]
    )


def _of_primary(timeline: Timeline) -> list[Sized]:
    return [size for size in timeline.sizes if size.workload == "app-primary"]


def _sizes(timeline: Timeline, workload: str) -> list[int]:
    return [size for size, _ in groupby(one.replicas for one in timeline.sizes if one.workload == workload)]


def _least(timeline: Timeline, from_s: float, until_s: float) -> int:
    """The smallest size of the primary in that time, that at its begin included."""
    before = [size.replicas for size in _of_primary(timeline) if size.at_s <= from_s]
    return min([before[-1], *(size.replicas for size in _of_primary(timeline) if from_s < size.at_s <= until_s)])
