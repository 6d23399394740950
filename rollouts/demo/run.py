"""The command itself: sets the scene, plays the stories before whoever watches, and says how all went."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from rollouts.demo.live import show_live, watch
from rollouts.demo.picture import Picture, take_picture
from rollouts.demo.plain import PlainView
from rollouts.demo.play import play
from rollouts.demo.recording import Recorder
from rollouts.demo.result import Result, all_ok, write_results
from rollouts.demo.scene import Scene
from rollouts.demo.stage import Staging, staged
from rollouts.demo.stories import STORIES
from rollouts.demo.view import SIMULATED
from rollouts.errors import RolloutsError
from rollouts.telemetry.logging import set_up_logging

EXIT_AS_TOLD, EXIT_NOT_AS_TOLD, EXIT_INTERRUPTED = 0, 1, 130


class DemoUnusable(RolloutsError):
    """What was asked of the demo can't be done: another path or number has to be given."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asks for."""

    keep: bool = False
    plain: bool = False
    record: Path | None = None
    out: Path = Path(".out")
    deadline_s: float = 30.0
    seed: int = 0

    @property
    def kubeconfig(self) -> Path:
        """Where it is written."""
        return (self.out / "demo.kubeconfig").absolute()


@dataclass(slots=True)
class Showing:
    """What runs between the start and the end."""

    options: Options
    console: Console
    recorder: Recorder = field(default_factory=Recorder)
    results: list[Result] = field(default_factory=list)


def run_demo(options: Options) -> int:
    """Play it and return the exit status. Raises DemoUnusable before anything is started."""
    _check(options)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(f"{SIMULATED}\nIts log: {options.out / 'demo.log'}", style="bold")
    with (options.out / "demo.log").open("w", encoding="utf-8") as stream:
        set_up_logging("info", stream)
        return asyncio.run(_until_signal(Showing(options, console)))


def _check(options: Options) -> None:
    if options.record is not None and (options.record.suffix != ".svg" or not options.record.parent.is_dir()):
        raise DemoUnusable(f"--record {options.record}: name a file that ends in .svg, in a folder that exists")
    if not 1 <= options.deadline_s <= 600:
        raise DemoUnusable(f"--deadline {options.deadline_s:g}: write 1 to 600 seconds")
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        for name in ("demo.json", "demo.log", "demo.kubeconfig"):
            (options.out / name).unlink(missing_ok=True)
    except OSError as error:
        raise DemoUnusable(f"--out {options.out}: {error.strerror}; name a folder that can be written to") from error
    if not os.access(options.out, os.W_OK):
        raise DemoUnusable(f"--out {options.out}: name a folder that can be written to")


async def _until_signal(showing: Showing) -> int:
    """Play to the end, or until somebody has seen enough."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    options = showing.options
    async with staged(Staging(options.kubeconfig, options.deadline_s, options.seed)) as scene:
        ended = await _play(scene, showing, stop)
    if not ended:
        showing.console.print("Stopped before the end.")
        return EXIT_INTERRUPTED
    return EXIT_AS_TOLD if all_ok(showing.results) else EXIT_NOT_AS_TOLD


async def _play(scene: Scene, showing: Showing, stop: asyncio.Event) -> bool:
    """Whether the stories came to their end."""

    def note(result: Result) -> None:
        showing.results.append(result)
        scene.say(result.in_words())

    async with asyncio.TaskGroup() as tasks:
        shown = tasks.create_task(_show(scene, showing))
        stopping = tasks.create_task(stop.wait())
        playing = tasks.create_task(play(scene, note))
        await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        ended = playing.done()
        if not (ended and showing.options.keep):
            await _ended(shown)  # what comes now stands below the last picture
        if ended:
            _conclude(scene, showing)
            if showing.options.keep:
                await stop.wait()
        for task in (playing, stopping, shown):
            task.cancel()
    return ended


async def _ended(task: asyncio.Task[None]) -> None:
    """Cancel it, and return when it has put everything in order."""
    task.cancel()
    await asyncio.wait({task})


async def _show(scene: Scene, showing: Showing) -> None:
    """The live view where there is a terminal, else lines; and the recording of either."""

    def take() -> Picture:
        return take_picture(scene, STORIES, showing.results)

    if showing.console.is_terminal and not showing.options.plain:
        await show_live(showing.console, take, showing.recorder.see)
    scene.chronicle.listeners.append(PlainView(showing.console).show)
    await watch(take, showing.recorder.see)


def _conclude(scene: Scene, showing: Showing) -> None:
    """Write down what came of it, and tell people."""
    options, console, results = showing.options, showing.console, showing.results
    write_results(options.out / "demo.json", results, scene.cluster.clock.elapsed_s)
    if options.record is not None:
        showing.recorder.write(options.record)
    console.print("")
    for result in results:
        console.print(f"  {result.in_words()}")
    verdict = "All went as told" if all_ok(results) else "NOT all went as told"
    console.print(f"{verdict}, in {scene.cluster.clock.elapsed_s:.0f} s: {options.out / 'demo.json'}")
    console.print(how_to_go_on(options))


def how_to_go_on(options: Options) -> str:
    """What to try next, as words and commands."""
    stays = "It stays up until Ctrl-C. In another terminal:"
    again = (
        "To try it yourself, `rollouts demo --keep` (make demo DEMO_ARGS=--keep) stays up. Then, in another terminal:"
    )
    return f"""
{stays if options.keep else again}
  export KUBECONFIG={options.kubeconfig}
  kubectl get canaries.rollouts.dev shop --watch
  kubectl set env deployment/shop VERSION=5 ERROR_RATE=0.2
  kubectl describe canaries.rollouts.dev shop
A version without errors waits at the gate for
  kubectl annotate --overwrite canaries.rollouts.dev/shop actions.rollouts.dev/approve=5
"""
