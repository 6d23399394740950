"""The peer's scenarios with autoscalers, as stories that a user can read, told by the real engine.

Each step may edit the user's autoscaler or release an image, then waits for a phase. What must hold then stands under
`then`: by object, the value at a path, dots between its parts (`~` is a dot within one); `absent` is none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from rollouts.api.resources import AUTOSCALERS, SCALED_OBJECTS, Manifest, ObjectKey, Resource
from rollouts.api.status import Phase
from tests.engine.scaled_world import HPA, autoscaler, scaled_object, scaled_world
from tests.engine.world import NAMESPACE, World

STORIES: dict[str, dict[str, Any]] = {
    file.stem: yaml.safe_load(file.read_text())
    for file in sorted((Path(__file__).parent / "golden/peer").glob("*.yaml"))
}
KINDS: dict[str, tuple[Resource, Any]] = {
    "HorizontalPodAutoscaler": (AUTOSCALERS, autoscaler),
    "ScaledObject": (SCALED_OBJECTS, scaled_object),
}


@pytest.mark.parametrize("name", STORIES)
async def test_the_story_comes_out_as_written(name: str) -> None:
    """Step by step."""
    told = STORIES[name]["autoscaler"]
    resource, make = KINDS[told["kind"]]
    world = scaled_world(make(**told["spec"]))
    for step in STORIES[name]["steps"]:
        await _take(world, resource, step)
        for object_name, expected in step["then"].items():
            found = world.get(resource, ObjectKey(NAMESPACE, object_name))
            assert {path: _value(found, path) for path in expected} == expected, step


async def _take(world: World, resource: Resource, step: dict[str, Any]) -> None:
    if "edit" in step:
        world.cluster.edit(resource, HPA, {"spec": step["edit"]})
    if "release" in step:
        world.release(step["release"])
    phase = Phase(step["until"])
    if phase is Phase.PROGRESSING:
        await world.run_until(lambda: world.status.phase is phase and world.weight)
    else:
        await world.run_until_quiet()
    assert world.status.phase is phase


def _value(found: Manifest, path: str) -> Any:
    value: Any = found
    for part in path.split("."):
        key = part.replace("~", ".")
        if isinstance(value, list):
            value = value[int(key)]
        elif isinstance(value, dict) and key in value:
            value = value[key]
        else:
            return "absent"
    return value
