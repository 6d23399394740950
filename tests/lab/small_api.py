"""A small API server for the workload server's tests: list, watch and status patch of pods and Services, over HTTP.

Real sockets and real HTTP, so that the client's reading of the protocol is what is tested. It knows just enough of
Kubernetes: resource versions, pages, watch events, 410, and a merge of status conditions by type.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Object = dict[str, Any]
Event = tuple[int, str, Object]
KINDS = ("pods", "services", "configmaps", "secrets")


class SmallApi:
    """Objects by kind, their history, and what was asked."""

    def __init__(self) -> None:
        """Hold nothing."""
        self.url = ""
        self.objects: dict[str, dict[str, Object]] = {kind: {} for kind in KINDS}
        self.patches: list[Object] = []
        self.lists: list[str] = []
        self.refuse_patches: list[int] = []
        """Statuses to answer the next patches with instead."""
        self.forgets_history_of: set[str] = set()
        """Kinds whose next watch is told that its version is too old."""
        self._version = 1
        self._history: dict[str, list[Event]] = {kind: [] for kind in KINDS}
        self._changed = asyncio.Condition()
        self._watch_round = 0

    async def put(self, kind: str, item: Object) -> None:
        """Create or change an object and tell the watchers."""
        key = f"{item['metadata']['namespace']}/{item['metadata']['name']}"
        await self._record(kind, "MODIFIED" if key in self.objects[kind] else "ADDED", item)
        self.objects[kind][key] = item

    async def delete(self, kind: str, namespace: str, name: str) -> None:
        """Remove an object and tell the watchers."""
        item = self.objects[kind].pop(f"{namespace}/{name}")
        await self._record(kind, "DELETED", item)

    async def forget(self, kind: str, namespace: str, name: str) -> None:
        """Remove an object while nobody is told, then end all watches with their history lost."""
        del self.objects[kind][f"{namespace}/{name}"]
        self._version += 1
        self.forgets_history_of.add(kind)
        await self.end_watches()

    async def end_watches(self) -> None:
        """End each watch under way."""
        async with self._changed:
            self._watch_round += 1
            self._changed.notify_all()

    def pod(self, name: str) -> Object:
        """A pod of namespace default as it is now."""
        return self.objects["pods"][f"default/{name}"]

    async def _record(self, kind: str, change: str, item: Object) -> None:
        async with self._changed:
            self._version += 1
            item["metadata"]["resourceVersion"] = str(self._version)
            self._history[kind].append((self._version, change, json.loads(json.dumps(item))))
            self._changed.notify_all()

    async def collection(self, request: web.Request) -> web.StreamResponse:
        """List, a page of one object at a time, or watch."""
        kind = request.match_info["kind"]
        if "watch" in request.query:
            return await self._watch(request, kind)
        self.lists.append(kind)
        items = list(self.objects[kind].values())
        at = int(request.query.get("continue", "0"))
        meta = {"resourceVersion": str(self._version)} | ({"continue": str(at + 1)} if at + 1 < len(items) else {})
        return web.json_response({"metadata": meta, "items": items[at : at + 1]})

    async def _watch(self, request: web.Request, kind: str) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        if kind in self.forgets_history_of:
            self.forgets_history_of.remove(kind)
            gone = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}}
            await response.write(json.dumps(gone).encode() + b"\n")
            return response
        seen, current_round = int(request.query["resourceVersion"]), self._watch_round
        while self._watch_round == current_round:
            for version, change, item in self._history[kind]:
                if version > seen:
                    line = json.dumps({"type": change, "object": item}).encode() + b"\n"
                    # In two pieces: events need not come whole.
                    await response.write(line[:20])
                    await response.write(line[20:])
                    seen = version
            async with self._changed:
                if self._version_of(kind) <= seen and self._watch_round == current_round:
                    await self._changed.wait()
        return response

    def _version_of(self, kind: str) -> int:
        return self._history[kind][-1][0] if self._history[kind] else 0

    async def patch_status(self, request: web.Request) -> web.Response:
        """Merge a strategic merge patch into a pod's status."""
        if self.refuse_patches:
            return web.Response(status=self.refuse_patches.pop(0), text="not now")
        pod = self.objects["pods"].get(f"{request.match_info['namespace']}/{request.match_info['name']}")
        if pod is None:
            return web.Response(status=404)
        patch = await request.json()
        self.patches.append(patch)
        merged = {item["type"]: item for item in pod["status"].get("conditions", [])}
        merged |= {item["type"]: item for item in patch["status"].get("conditions", [])}
        status = {**pod["status"], **patch["status"], "conditions": list(merged.values())}
        await self.put("pods", {**pod, "status": status})
        return web.json_response({})


@asynccontextmanager
async def small_api() -> AsyncIterator[SmallApi]:
    """A running one on a free port of loopback."""
    api = SmallApi()
    app = web.Application()
    app.router.add_get("/api/v1/{kind}", api.collection)
    app.router.add_patch("/api/v1/namespaces/{namespace}/pods/{name}/status", api.patch_status)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    api.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
    try:
        yield api
    finally:
        await api.end_watches()
        await runner.cleanup()
