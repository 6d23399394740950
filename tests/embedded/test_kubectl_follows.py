"""Commands of kubectl that go on: each sees every change, and ends when it should. On both servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from rollouts.api.resources import Manifest
from tests.embedded.cluster import embedded, real
from tests.embedded.kubectl_objects import PROGRESS, READY, canary, deployment, event, patch, placed
from tests.embedded.kubectl_script import Kubectl, Step

pytestmark = pytest.mark.kube

WITHIN_S = 15.0


class Following:
    """A command that goes on, by its lines."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        self._process = process
        self._lines = process.stdout

    async def line(self) -> str:
        """The next one; empty at the end."""
        async with asyncio.timeout(WITHIN_S):
            return (await self._lines.readline()).decode().rstrip()

    async def end(self) -> int:
        """The exit status, once it has ended by itself."""
        async with asyncio.timeout(WITHIN_S):
            await self._lines.read()
            return await self._process.wait()


@asynccontextmanager
async def following(kubectl: Kubectl, line: str) -> AsyncIterator[Following]:
    """For as long as the block."""
    process = await kubectl.start(line)
    try:
        yield Following(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


Server = Callable[[str, Path], AbstractAsyncContextManager[Kubectl]]


@pytest.fixture(params=[pytest.param(embedded, id="embedded"), pytest.param(real, id="real")])
async def kubectl(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kubectl]:
    """On a server, in a namespace of its own."""
    server: Server = request.param
    async with server("follows", tmp_path) as made:
        yield made


async def do(kubectl: Kubectl, line: str, *objects: Manifest) -> str:
    """A command that has to succeed."""
    said = await kubectl.run(placed(Step(line, objects), kubectl.namespace))
    assert said.status == 0, said
    return said.out


def cells(line: str) -> Sequence[str]:
    """Of a row, without its age."""
    return line.split()[:-1]


async def test_a_row_for_each_change(kubectl: Kubectl) -> None:
    """The head once, then each state as it comes, and the last once more when it is gone."""
    await do(kubectl, "create -f -", canary())
    async with following(kubectl, "get canaries -w") as watch:
        assert cells(await watch.line()) == ["NAME", "STATUS", "WEIGHT", "STEP"]
        assert cells(await watch.line()) == ["app"]
        for phase, weight in (("Progressing", 10), ("Progressing", 20), ("Succeeded", 0)):
            status = {**READY, "phase": phase, "desiredWeight": weight}
            await do(kubectl, f"patch canary app --subresource=status --type merge {patch(status=status)}")
            assert cells(await watch.line()) == ["app", phase, str(weight)]
        await do(kubectl, "create -f -", canary("web"))
        assert cells(await watch.line()) == ["web"]
        await do(kubectl, "delete canary web")
        assert cells(await watch.line()) == ["web"]


async def test_what_leaves_a_selection_is_told_once(kubectl: Kubectl) -> None:
    """As a deletion; nothing of it after that, until it comes back."""
    async with following(kubectl, "get canaries -l team=blue -o name -w") as watch:
        for line in ("label canary app team=red --overwrite", "label canary app team=blue --overwrite"):
            if "red" in line:
                await do(kubectl, "create -f -", canary())
                assert await watch.line() == "canary.rollouts.dev/app"
            await do(kubectl, line)
            assert await watch.line() == "canary.rollouts.dev/app"


async def test_events_as_they_come(kubectl: Kubectl) -> None:
    """One line each."""
    async with following(kubectl, "get events -w -o jsonpath='{.reason}{\"\\n\"}'") as watch:
        for reason in ("Started", "Promoted"):
            await do(kubectl, "create -f -", event(reason.lower(), reason, "well"))
            assert await watch.line() == reason


@pytest.mark.parametrize("condition", ["condition=Ready", "jsonpath={.status.phase}=Waiting"])
async def test_a_wait_ends_when_it_is_so(kubectl: Kubectl, condition: str) -> None:
    """Not before."""
    await do(kubectl, "create -f -", canary())
    async with following(kubectl, f"wait canary app --for={condition} --timeout=15s") as wait:
        await do(
            kubectl, f"patch canary app --subresource=status --type merge {patch(status={'phase': 'Initializing'})}"
        )
        await do(kubectl, f"patch canary app --subresource=status --type merge {patch(status=READY)}")
        assert await wait.line() == "canary.rollouts.dev/app condition met"
        assert await wait.end() == 0


async def test_a_delete_waits_for_the_finalizer(kubectl: Kubectl) -> None:
    """And so does a wait for the deletion."""
    await do(kubectl, "create -f -", {**canary(), "metadata": {"name": "app", "finalizers": ["example.com/held"]}})
    async with (
        following(kubectl, "delete canary app") as delete,
        following(kubectl, "wait canary app --for=delete --timeout=15s") as wait,
    ):
        assert (await delete.line()).startswith('canary.rollouts.dev "app" deleted')
        assert "deletionTimestamp" in await do(kubectl, "get canary app -o yaml")
        await do(kubectl, f"patch canary app --type merge {patch(metadata={'finalizers': None})}")
        assert await delete.end() == 0
        assert await wait.end() == 0


async def test_a_rollout_is_followed_to_its_end(kubectl: Kubectl) -> None:
    """With what it still waits for."""
    await do(kubectl, "create -f -", deployment())
    async with following(kubectl, "rollout status deployment app --timeout=15s") as rollout:
        assert await rollout.line() == "Waiting for deployment spec update to be observed..."
        half = {**PROGRESS, "updatedReplicas": 1}
        await do(kubectl, f"patch deployment app --subresource=status --type merge {patch(status=half)}")
        assert "1 out of 2 new replicas have been updated" in await rollout.line()
        await do(kubectl, f"patch deployment app --subresource=status --type merge {patch(status=PROGRESS)}")
        assert await rollout.line() == 'deployment "app" successfully rolled out'
        assert await rollout.end() == 0
