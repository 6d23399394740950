"""The order of things: prepare, then story after story, each with its result, whatever came of the one before."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rollouts.demo.facts import Check
from rollouts.demo.result import Result
from rollouts.demo.scene import NotAsTold, Scene
from rollouts.demo.stories import STORIES, Story, prepare
from rollouts.errors import KubeError

OnResult = Callable[[Result], None]
_PREPARED = Story("start", "the application is taken over", prepare)


async def play(scene: Scene, on_result: OnResult, stories: Sequence[Story] = STORIES) -> list[Result]:
    """Every story's result, told to `on_result` as it comes. What can't be prepared is the only result."""
    prepared = await _played(scene, _PREPARED)
    if not prepared.ok:
        on_result(prepared)
        return [prepared]
    results = []
    for story in stories:
        results.append(await _played(scene, story))
        on_result(results[-1])
    return results


async def _played(scene: Scene, story: Story) -> Result:
    clock = scene.cluster.clock
    started_s, since = clock.elapsed_s, clock.now()
    scene.begin()
    try:
        checks = await story.tell(scene)
    except NotAsTold as ended:
        checks = (Check("the story comes to its end", ok=False, got=str(ended)),)
    except KubeError as refused:
        checks = (Check("the API takes what a user does", ok=False, got=str(refused)),)
    took_s = clock.elapsed_s - started_s
    return Result(story.name, story.expected, checks, scene.clients(since), started_s, took_s)
