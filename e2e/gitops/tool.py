"""A GitOps tool: every ten seconds it compares Git with what stands, and heals what differs.

Two ways are Argo CD's: by the annotation of the last apply and client-side apply, which is its default, and by a dry
run on the server and server-side apply with force. Kinds that it has types of are compared as the server would store
them. The third way is Flux's (flux.py).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from e2e.gitops import flux
from e2e.gitops.compare import as_it_stands, last_applied, merged_three_way, of_users, reverted
from e2e.gitops.flux import Kustomization
from e2e.gitops.ignore import Ignored
from e2e.play.kubectl import kubectl, to_yaml

Json = dict[str, Any]
Key = tuple[str, str]
EVERY_S = 10.0
_TRIES = 3
CLIENT_SIDE, SERVER_SIDE, FLUX = "client-side", "server-side", "flux-like"
_SERVER = ("--server-side", "--force-conflicts")
_WORDS = {
    CLIENT_SIDE: (),
    SERVER_SIDE: (*_SERVER, "--field-manager=argocd-controller"),
    FLUX: (*_SERVER, f"--field-manager={flux.MANAGER}"),
}
_TYPED = frozenset({"Deployment", "Service", "HorizontalPodAutoscaler"})


@dataclass(slots=True)
class Healed:
    """What the tool has done since somebody began to count."""

    looks: int = 0
    differed: dict[str, int] = field(default_factory=dict)
    """In how many looks an object differed, by its name for people."""
    reverted: dict[str, int] = field(default_factory=dict)
    """How often a sync put a value back that nobody had changed in Git, by object and path."""
    untold: dict[str, int] = field(default_factory=dict)
    """How often nobody can tell what a sync did, because others wrote all the time."""


class Tool:
    """It knows Git, and nothing of any Canary."""

    def __init__(
        self, way: str, objects: Iterable[Json], ignored: Ignored, kustomization: Kustomization | None = None
    ) -> None:
        self.git = {_key(one): one for one in objects}
        self.ignored = ignored
        self.healed = Healed()
        self._flux = kustomization
        self._synced = dict(self.git)  # what Flux adds to that it has not applied before
        self._words = ("apply", "--filename=-", "--output=json", *_WORDS[way])
        self._way = way

    def commit(self, *objects: Json) -> None:
        """Git has these from now on."""
        self.git |= {_key(one): one for one in objects}

    async def look(self) -> None:
        """Compare everything, and sync if anything differs. Raises KubectlError."""
        live = await self._live()
        git = {key: one for key, one in self._built().items() if not (self._flux and flux.skips(one, live[key]))}
        expected = await self._expected(git, live)
        differ = [key for key in git if self._bare(expected[key]) != self._bare(live[key])]
        self.healed.looks += 1
        for key in differ:
            _count(self.healed.differed, _called(key))
        if self._flux:
            differ += [key for key in git if await self._take_over(git[key], live[key]) and key not in differ]
        if differ:
            await self._sync(git, live, differ if self._flux or self.ignored.partial else [*git])

    async def first(self) -> None:
        """Apply everything, into a cluster that has none of it. Raises KubectlError."""
        await self._apply(self.git.values())

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Within the block, a look every ten seconds."""
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(self._work())
            yield
            task.cancel()

    async def _work(self) -> None:
        while True:
            began_s = time.time()
            await self.look()
            await asyncio.sleep(max(0.0, began_s + EVERY_S - time.time()))

    async def _sync(self, git: dict[Key, Json], live: dict[Key, Json], keys: list[Key]) -> None:
        """What it does is told by a dry run, of what stood before and after that: others write at the same time."""
        sent = [self._sent(git[key], live[key]) for key in keys]
        untold = set(keys)
        for _ in range(_TRIES):
            if not untold:
                break
            before, would, now = await self._live(), await self._apply(sent, "--dry-run=server"), await self._live()
            still = {key for key in untold if _version(before[key]) == _version(now[key])}
            for key in still:
                for path in reverted(before[key], would[key], git[key], self._synced[key]):
                    _count(self.healed.reverted, f"{_called(key)} {path}")
            untold -= still
        for key in untold:
            _count(self.healed.untold, _called(key))
        await self._apply(sent)
        self._synced |= git

    def _built(self) -> dict[Key, Json]:
        """What Git has, as it is applied."""
        return {key: self._flux.built(one) if self._flux else one for key, one in self.git.items()}

    async def _take_over(self, wanted: Json, live: Json) -> bool:
        """Whether there was anything of kubectl's to make its own."""
        if operations := flux.taking_over(wanted, live):
            words = ("--type=json", f"--field-manager={flux.MANAGER}", f"--patch={json.dumps(operations)}")
            await kubectl("patch", "--filename=-", *words, stdin=to_yaml([live]))
        return bool(operations)

    def _sent(self, wanted: Json, live: Json) -> Json:
        if not self.ignored.respected:
            return wanted
        bare = self.ignored.without(live)
        return as_it_stands(self.ignored.without(wanted), bare, live) if bare != live else wanted

    async def _expected(self, git: dict[Key, Json], live: dict[Key, Json]) -> dict[Key, Json]:
        """Each object as it would stand after a sync, as far as the tool can tell."""
        if self._way != CLIENT_SIDE:
            return await self._apply(git.values(), "--dry-run=server")
        typed = await self._apply([one for (kind, _), one in git.items() if kind in _TYPED], "--dry-run=server")
        rest = {key: one for key, one in git.items() if key not in typed}
        return typed | {key: merged_three_way(last_applied(live[key]), one, live[key]) for key, one in rest.items()}

    def _bare(self, manifest: Json) -> Json:
        return flux.compared(manifest) if self._flux else self.ignored.without(of_users(manifest))

    async def _apply(self, objects: Iterable[Json], *words: str) -> dict[Key, Json]:
        return _by_key(await kubectl(*self._words, *words, stdin=to_yaml([*objects])))

    async def _live(self) -> dict[Key, Json]:
        words = ("get", "--filename=-", "--output=json", f"--show-managed-fields={json.dumps(self._flux is not None)}")
        return _by_key(await kubectl(*words, stdin=to_yaml([*self.git.values()])))


def _by_key(answer: str) -> dict[Key, Json]:
    told = json.loads(answer)
    return {_key(one): one for one in (told["items"] if told["kind"] == "List" else [told])}


def _key(manifest: Json) -> Key:
    return manifest["kind"], manifest["metadata"]["name"]


def _version(manifest: Json) -> str:
    return str(manifest["metadata"]["resourceVersion"])


def _called(key: Key) -> str:
    return " ".join(key)


def _count(into: dict[str, int], name: str) -> None:
    into[name] = into.get(name, 0) + 1
