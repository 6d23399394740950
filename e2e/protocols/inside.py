"""What runs inside the lab: `python -m e2e.protocols.inside --mode all --result FILE`, through the lab's `exec`."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from e2e.lab.workload.kube_api import open_api
from e2e.lab.workload.kubeconfig import read_kubeconfig
from e2e.play.controller import Controller
from e2e.play.inside import parser_of, run_play, write_outcome
from e2e.play.playbook import Story, play
from e2e.play.result import Json, Result
from e2e.protocols.clients import opened_clients
from e2e.protocols.evidence import testifying
from e2e.protocols.journal import Journal
from e2e.protocols.runs import Play, begin, delete, end, release_badly, release_well
from e2e.protocols.witnesses import follow_canaries, poll_envoy, poll_objects


def main() -> None:
    """Play all stories."""
    arguments = parser_of("e2e.protocols.inside", ["all"]).parse_args()
    run_play("protocols", _main(arguments.result))


async def _main(result: Path) -> None:
    results, figures = list[Result](), list[Json]()
    try:
        async with AsyncExitStack() as stack:
            api = await stack.enter_async_context(open_api(read_kubeconfig(Path(os.environ["KUBECONFIG"]))))
            loads = await stack.enter_async_context(opened_clients())
            evidence, url = await stack.enter_async_context(testifying(loads))
            controller = Controller(dict(os.environ))
            # Also when the stories were broken off: nothing is left running.
            stack.push_async_callback(lambda: asyncio.shield(controller.kill()))
            await _watched(Play(api, controller, loads, evidence, url, Journal(), results, figures))
    finally:
        write_outcome(result, results, figures)


async def _watched(told: Play) -> None:
    """Play with the witnesses at work. Raises ExceptionGroup when a witness fails."""
    acts = {
        "start": begin,
        "good versions": release_well,
        "bad versions": release_badly,
        "deletion": delete,
        "end": end,
    }
    stories: dict[str, Story] = {name: partial(act, told) for name, act in acts.items()}
    async with asyncio.TaskGroup() as tasks:
        witnesses = [
            tasks.create_task(follow_canaries(told.api, told.journal)),
            tasks.create_task(poll_envoy(os.environ["ENVOY_ADMIN_URL"], told.journal)),
            tasks.create_task(poll_objects(told.api, told.journal)),
        ]
        await play(stories, told.results, announce=lambda story: print(f"-- {story}", flush=True))
        for witness in witnesses:
            witness.cancel()


if __name__ == "__main__":
    main()
