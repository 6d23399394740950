"""A GitOps tool, played: the user's routing manifests applied again and again; and the policy."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import yaml

from e2e.play.kubectl import kubectl, to_yaml
from e2e.play.waiting import until
from e2e.scenarios.stage import Stage

EVERY_S = 5.0
WAYS: Mapping[str, tuple[str, ...]] = {"client-side": (), "server-side": ("--server-side", "--force-conflicts")}
"""How a sync applies."""
_POLICY = Path(__file__).resolve().parents[2] / "deploy" / "policies" / "keep-weights.yaml"
_LOOK_S = 0.1
_AT_WORK_WITHIN_S = 30.0
Holds = Callable[[], bool]


class Sync:
    """The tool: it knows the file and nothing of any Canary."""

    def __init__(self, stage: Stage, way: str) -> None:
        self._words = ("apply", "--filename=-", *WAYS[way])
        kinds = {"Gateway", "VirtualService", "DestinationRule"}
        self._file = to_yaml([document for document in stage.objects if document["kind"] in kinds])
        self._route = to_yaml([document for document in stage.objects if document["kind"] == "VirtualService"])
        rule = yaml.safe_load(self._route)["spec"]["http"][0]
        self.weights: list[int | None] = [route.get("weight") for route in rule["route"]]
        """Of the first rule, as the file says."""
        self.at_s: list[float] = []
        """When each sync began."""

    async def once(self) -> None:
        """Apply the file. Raises KubectlError."""
        self.at_s.append(time.time())
        await kubectl(*self._words, stdin=self._file)

    async def would_give(self) -> list[int | None]:
        """The weights that the first rule would have after an apply."""
        out = await kubectl(*self._words, "--dry-run=server", "--output=json", stdin=self._route)
        return [route.get("weight") for route in json.loads(out)["spec"]["http"][0]["route"]]

    @asynccontextmanager
    async def running(self, since: Holds, until_: Holds) -> AsyncIterator[None]:
        """Within the block, from when one holds until the other does, every five seconds."""
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(self._run(since, until_))
            yield
            task.cancel()

    async def _run(self, since: Holds, until_: Holds) -> None:
        while not since():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(_LOOK_S)
        while not until_():
            began_s = time.time()
            await self.once()
            while time.time() < began_s + EVERY_S and not until_():  # noqa: ASYNC110 - as above
                await asyncio.sleep(_LOOK_S)


async def install_policy(sync: Sync) -> None:
    """As it is shipped; return when it is at work."""
    await kubectl("apply", "--server-side", f"--filename={_POLICY}")
    await _until_would(sync, lambda weights, file: weights != file, "the policy at work")


async def remove_policy(sync: Sync) -> None:
    """Return when weights are the file's again. It need not be there."""
    await kubectl("delete", "--ignore-not-found", f"--filename={_POLICY}")
    await _until_would(sync, lambda weights, file: weights == file, "the policy gone")


async def _until_would(sync: Sync, fits: Callable[[list[int | None], list[int | None]], bool], what: str) -> None:
    async def look() -> bool:
        return fits(await sync.would_give(), sync.weights)

    await until(look, what=what, within_s=_AT_WORK_WITHIN_S)
