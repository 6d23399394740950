"""The few requests to the API server that this process makes: list, watch, patch a pod's status.

Raw HTTP, one place where statuses are checked. It knows no retries: who follows or reports decides
on those.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from e2e.lab.workload.kubeconfig import Access
from e2e.lab.workload.views import Json

PAGE_OBJECTS = 500
WATCH_S = 240
SILENCE_S_MAX = 100.0
"""A watch says something (a bookmark at least) about once a minute; silence for longer is a dead connection."""

REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=5)
WATCH_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=SILENCE_S_MAX)
MERGE = "application/strategic-merge-patch+json"


class ApiError(Exception):
    """The API server refused; `status` is HTTP's, or the code inside a watch's ERROR event."""

    def __init__(self, status: int, message: str) -> None:
        """Keep the status for whoever decides what to do."""
        super().__init__(f"{status}: {message[:256]}")
        self.status = status


UNREACHABLE = (aiohttp.ClientError, asyncio.TimeoutError, OSError)
"""What is raised when the API server can't be asked at all: try again later."""


class KubeApi:
    """One session with the API server."""

    def __init__(self, session: aiohttp.ClientSession, access: Access) -> None:
        """Speak through this session."""
        self._session = session
        self._server = access.server
        self._ssl = access.tls if access.tls is not None else True

    async def list_objects(self, path: str) -> tuple[list[Json], str]:
        """All objects of a collection, page by page, and the resource version to watch from."""
        found: list[Json] = []
        params = {"limit": str(PAGE_OBJECTS)}
        while True:
            async with self._session.get(
                self._server + path, params=params, timeout=REQUEST_TIMEOUT, ssl=self._ssl
            ) as response:
                await _check(response)
                page = await response.json()
            found += page.get("items") or ()
            following = page["metadata"].get("continue")
            if not following:
                return found, page["metadata"]["resourceVersion"]
            params["continue"] = following

    async def watch(self, path: str, version: str) -> AsyncGenerator[tuple[str, Json], None]:
        """Changes after this version as (type, object), bookmarks too; ends when the server ends it.

        Raises ApiError, with status 410 when the version is too old.
        """
        params = {
            "watch": "true",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_S),
        }
        async with self._session.get(
            self._server + path, params=params, timeout=WATCH_TIMEOUT, ssl=self._ssl
        ) as response:
            await _check(response)
            async for line in _lines(response.content):
                yield _event(line)

    async def patch_pod_status(self, namespace: str, name: str, patch: dict[str, Any]) -> None:
        """Merge into a pod's status. Raises ApiError."""
        url = f"{self._server}/api/v1/namespaces/{namespace}/pods/{name}/status"
        async with self._session.patch(
            url,
            data=json.dumps(patch),
            headers={"Content-Type": MERGE},
            timeout=REQUEST_TIMEOUT,
            ssl=self._ssl,
        ) as response:
            await _check(response)


@asynccontextmanager
async def open_api(access: Access) -> AsyncIterator[KubeApi]:
    """A session for as long as the block lasts."""
    headers = {"Authorization": f"Bearer {access.token}"} if access.token else {}
    async with aiohttp.ClientSession(headers=headers) as session:
        yield KubeApi(session, access)


async def _check(response: aiohttp.ClientResponse) -> None:
    if response.status >= 400:
        raise ApiError(response.status, await response.text())


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Whole lines of any length; a torn last one is dropped, since its event comes again."""
    rest = b""
    async for piece in content.iter_any():
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.strip():
                yield line


def _event(line: bytes) -> tuple[str, Json]:
    event = json.loads(line)
    if event["type"] == "ERROR":
        raise ApiError(int(event["object"].get("code", 500)), str(event["object"].get("message", "")))
    return event["type"], event["object"]
