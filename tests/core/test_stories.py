from __future__ import annotations

import json
from pathlib import Path

import pytest

from rollouts.api.status import CanaryStatus
from tests.core.story import GOLDEN, Story, read

STORIES = sorted(Path(file).stem for file in GOLDEN.glob("*.yaml"))


@pytest.mark.parametrize("name", STORIES)
def test_story_is_told_as_written(name: str) -> None:
    """Every decision of the story comes at its second, with the weight and the words that the file says."""
    text = read(name)
    story = Story.of(text)

    story.tell()

    assert story.told == text["then"]
    assert story.ending() == text["ends"]


@pytest.mark.parametrize("name", STORIES)
def test_story_is_the_same_with_a_restart_at_any_second(name: str) -> None:
    """Killed and started again at any second, the controller decides the same from its status alone."""
    text = read(name)
    # While the metric source fails, a new process asks at once instead of 30 s after the last time.
    if name in {"metrics-missing", "rights-missing"}:
        text["until"] = 60
    told = Story.of(text)
    told.tell()
    story = Story.of(text)
    for second in range(1, int(text["until"])):
        story.happenings += [(second + 0.5, lambda world: world.restart(up=world.up))]

    story.tell()

    assert story.told == told.told


def test_dwell_is_kept_in_the_status() -> None:
    """The dwell that a new process goes on with is the one that the status says, to the microsecond."""
    story = Story.of(read("restart-in-mid-dwell"))
    story.until = 20
    story.tell()
    status = story.world.status

    loaded = CanaryStatus.model_validate(json.loads(json.dumps(status.to_wire())))

    assert loaded.dwell_started_at == status.dwell_started_at
    assert loaded == status
