"""The end of a play: the controller is asked to go, and what is expected of its whole life is looked at."""

from __future__ import annotations

from e2e.first_light.judge_rest import judge_controller
from e2e.play.controller import Controller
from e2e.play.result import Result


async def end_controller(controller: Controller) -> list[Result]:
    """Stop it, and judge its log and its end."""
    ended_cleanly = await controller.stop()
    log = controller.log.read_text(encoding="utf-8", errors="replace")
    return judge_controller(log, unasked_ends=controller.unasked_ends, ended_cleanly=ended_cleanly)
