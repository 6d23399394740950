"""The command itself: sets the scene, plays the stories before whoever watches, and says how all went."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass, field

from rich.console import Console

from rollouts.demo.live import can_draw, show_live, watch
from rollouts.demo.next_commands import how_to_go_on
from rollouts.demo.options import Options
from rollouts.demo.picture import Picture, take_picture
from rollouts.demo.plain import Teller
from rollouts.demo.play import play
from rollouts.demo.recording import Recorder
from rollouts.demo.result import Result, all_ok, write_results
from rollouts.demo.scene import Scene
from rollouts.demo.stage import Staging, staged
from rollouts.demo.stories import STORIES
from rollouts.demo.view import SIMULATED
from rollouts.telemetry.logging import set_up_logging

EXIT_AS_TOLD, EXIT_NOT_AS_TOLD, EXIT_INTERRUPTED = 0, 1, 130


@dataclass(slots=True)
class Showing:
    """What runs between the start and the end."""

    options: Options
    console: Console
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when somebody has seen enough, or nobody reads any more."""
    recorder: Recorder = field(default_factory=Recorder)
    results: list[Result] = field(default_factory=list)

    @property
    def teller(self) -> Teller:
        """Who speaks beside the view."""
        return Teller(self.console, self.stop.set)


def run_demo(options: Options) -> int:
    """Play it and return the exit status. Raises DemoUnusable before anything is started."""
    options.check()
    showing = Showing(options, Console(highlight=False, markup=False, emoji=False, soft_wrap=True))
    showing.teller.tell(f"{SIMULATED}\nIts log: {options.out / 'demo.log'}", style="bold")
    with (options.out / "demo.log").open("w", encoding="utf-8") as stream:
        set_up_logging("info", stream)
        return asyncio.run(_until_signal(showing))


async def _until_signal(showing: Showing) -> int:
    """Play to the end, or until somebody has seen enough."""
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, showing.stop.set)
    options = showing.options
    async with staged(Staging(options.kubeconfig, options.deadline_s, options.seed)) as scene:
        ended = await _play(scene, showing)
    if not ended:
        showing.teller.tell("Stopped before the end.")
        return EXIT_INTERRUPTED
    return EXIT_AS_TOLD if all_ok(showing.results) else EXIT_NOT_AS_TOLD


async def _play(scene: Scene, showing: Showing) -> bool:
    """Whether the stories came to their end."""

    def note(result: Result) -> None:
        showing.results.append(result)
        scene.say(result.in_words())

    async with asyncio.TaskGroup() as tasks:
        shown = tasks.create_task(_show(scene, showing))
        stopping = tasks.create_task(showing.stop.wait())
        playing = tasks.create_task(play(scene, note))
        await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        ended = playing.done()
        if not (ended and showing.options.keep):
            await _ended(shown)  # what comes now stands below the last picture
        if ended:
            _conclude(scene, showing)
            if showing.options.keep:
                await showing.stop.wait()
        for task in (playing, stopping, shown):
            task.cancel()
    return ended


async def _ended(task: asyncio.Task[None]) -> None:
    """Cancel it, and return when it has put everything in order."""
    task.cancel()
    await asyncio.wait({task})


async def _show(scene: Scene, showing: Showing) -> None:
    """The live view where a terminal takes it, else lines; and the recording of either."""

    def take() -> Picture:
        return take_picture(scene, STORIES, showing.results)

    if can_draw(showing.console) and not showing.options.plain:
        await show_live(showing.console, take, showing.recorder.see)
    scene.chronicle.listeners.append(showing.teller.show)
    await watch(take, showing.recorder.see)


def _conclude(scene: Scene, showing: Showing) -> None:
    """Write down what came of it, and tell people."""
    options, results, tell = showing.options, showing.results, showing.teller.tell
    write_results(options.out / "demo.json", results, scene.cluster.clock.elapsed_s)
    if options.record is not None:
        showing.recorder.write(options.record)
    tell("")
    for result in results:
        tell(f"  {result.in_words()}")
    verdict = "All went as told" if all_ok(results) else "NOT all went as told"
    tell(f"{verdict}, in {scene.cluster.clock.elapsed_s:.0f} s: {options.out / 'demo.json'}")
    tell(how_to_go_on(options.kubeconfig, stays=options.keep))
