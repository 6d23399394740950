"""The peers' scenarios with Istio, as stories that a user can read, told by the real engine.

Which ones: I6, I8 and I9 of Flagger's end-to-end tests (I4 is told by the core's stories), and of Argo Rollouts' those
of weights, of a new revision in the middle, of abort at each kind of step, and of header and mirror routes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engine.istio_story import IstioStory

STORIES: dict[str, dict[str, Any]] = {
    file.stem: yaml.safe_load(file.read_text())
    for file in sorted((Path(__file__).parent / "golden/peer-istio").glob("*.yaml"))
}


@pytest.mark.parametrize("name", STORIES)
async def test_the_story_comes_out_as_written(name: str) -> None:
    """Step by step: the user's VirtualServices before, in the middle and after."""
    story = IstioStory(STORIES[name])
    await story.begin()
    for step in STORIES[name]["steps"]:
        await story.take(step)
