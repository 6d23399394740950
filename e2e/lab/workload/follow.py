"""Keeps someone told of a collection's objects: list, watch, list again when the watch is lost for good.

It knows the protocol of list and watch, not what the objects are; it never gives up.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

from e2e.lab.workload.kube_api import UNREACHABLE, ApiError, KubeApi
from e2e.lab.workload.views import Json

log = logging.getLogger(__name__)

AGAIN_S_MIN = 0.2
AGAIN_S_MAX = 5.0
GONE = 410


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is told: of each object that is there or has changed, and of each that is gone (its last known state)."""

    put: Callable[[Json], None]
    remove: Callable[[Json], None]


class Follower:
    """Follows one collection."""

    def __init__(self, api: KubeApi, path: str, audience: Audience) -> None:
        """Follow nothing yet."""
        self._api = api
        self._path = path
        self._audience = audience
        self._known: dict[str, Json] = {}
        self._version = ""
        self._again_s = AGAIN_S_MIN
        self.listed = asyncio.Event()
        """Set once the first list is through."""

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                if not self._version:
                    await self._list()
                await self._watch()
                self._again_s = AGAIN_S_MIN
            except ApiError as error:
                self._version = ""
                # A version too old needs a new list soon; anything else needs patience.
                if error.status != GONE:
                    await self._rest(error)
            except (*UNREACHABLE, json.JSONDecodeError) as error:
                await self._rest(error)
            # However readily the server ends what it is asked, it is not asked without a pause.
            await asyncio.sleep(AGAIN_S_MIN)

    async def _list(self) -> None:
        objects, version = await self._api.list_objects(self._path)
        seen = {item["metadata"]["uid"]: item for item in objects}
        for uid in self._known.keys() - seen.keys():
            self._audience.remove(self._known.pop(uid))
        for item in objects:
            self._put(item)
        self._version = version
        self.listed.set()

    async def _watch(self) -> None:
        async with aclosing(self._api.watch(self._path, self._version)) as events:
            async for kind, item in events:
                self._again_s = AGAIN_S_MIN
                if kind == "DELETED":
                    self._known.pop(item["metadata"]["uid"], None)
                    self._audience.remove(item)
                elif kind != "BOOKMARK":
                    self._put(item)
                self._version = item["metadata"]["resourceVersion"]

    def _put(self, item: Json) -> None:
        # Only the identity is kept: it is what `remove` needs after a gap.
        meta = item["metadata"]
        self._known[meta["uid"]] = {"metadata": {key: meta.get(key) for key in ("uid", "namespace", "name")}}
        self._audience.put(item)

    async def _rest(self, error: BaseException) -> None:
        log.warning("%s: %s %s; again in %.1f s", self._path, type(error).__name__, error, self._again_s)
        await asyncio.sleep(self._again_s)
        self._again_s = min(AGAIN_S_MAX, self._again_s * 2)
