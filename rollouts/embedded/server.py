"""The HTTP facade: takes requests as a Kubernetes API server does, and has the server in memory carry them out.

It listens on loopback and asks nobody who they are: it is for demonstrations and tests. Who impersonates somebody has
no rights at all, so that a refusal can be seen too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from random import Random

from aiohttp import web

from rollouts.api.resources import Manifest
from rollouts.embedded import openapi
from rollouts.embedded.admitting import Admit, by_schema
from rollouts.embedded.answers import Refusal, answer, encoded, no_such_thing
from rollouts.embedded.asked import Asked
from rollouts.embedded.bodies import PATCHES, body_of
from rollouts.embedded.deleting import Deleting
from rollouts.embedded.documenting import Documenting
from rollouts.embedded.furnish import furnish
from rollouts.embedded.kinds import SCALE, Kinds
from rollouts.embedded.reading import Form, read_list, read_one
from rollouts.embedded.scale import scale_of, scaled
from rollouts.embedded.target import Target, read_path
from rollouts.embedded.watching import Opened, Watch
from rollouts.embedded.writing import Writing
from rollouts.testing.memory_apply import Manager
from rollouts.testing.memory_server import MemoryServer

BODY_MAX_BYTES = 3 * 2**20
"""What etcd and the real server allow, nearly."""


@asynccontextmanager
async def serving(server: MemoryServer, *, admit: Admit = by_schema, port: int = 0) -> AsyncIterator[str]:
    """The server in memory on a port of loopback, furnished; the URL, until the body ends."""
    furnish(server)
    app = web.Application(client_max_size=BODY_MAX_BYTES)
    app.router.add_route("*", "/{path:.*}", Facade(server, admit).handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class Facade:
    """One server's HTTP side."""

    def __init__(self, server: MemoryServer, admit: Admit) -> None:
        self._server = server
        self._kinds = Kinds(server)
        server.schema_of = self._kinds.schema_of
        self._writing = Writing(server, self._kinds, admit, Random())
        self._deleting = Deleting(server)
        self._documenting = Documenting(self._kinds)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        try:
            return await self._answered(request)
        except Refusal as refusal:
            return answer(refusal.status(), code=refusal.code)
        except web.HTTPRequestEntityTooLarge:
            told = Refusal(413, f"Request entity too large: limit is {BODY_MAX_BYTES}")
            return answer(told.status(), code=told.code)

    async def _answered(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/openapi/v2":
            return web.Response(body=openapi.NOTHING_IN_V2, content_type=openapi.V2_PROTOBUF)
        told = self._documenting.told(request.path)
        if told is not None:
            if request.method != "GET":
                raise Refusal(405, "the server does not allow this method on the requested resource")
            return answer(told)
        target = read_path(request.path, self._kinds)
        if target is None:
            raise no_such_thing()
        _check_right(request, target)
        if request.method == "GET" and request.query.get("watch") in {"true", "1"}:
            return await self._watch(request, target)
        if request.method == "GET":
            return answer(self._read(request, target))
        return await self._write(request, target)

    def _read(self, request: web.Request, target: Target) -> Manifest:
        form = Form.of(request.headers.get("Accept", ""), request.query)
        if not target.name:
            return read_list(self._server, target, request.query, form, self._server.now())
        if target.subresource == SCALE:
            return scale_of(read_one(self._server, target, Form(), self._server.now()))
        return read_one(self._server, target, form, self._server.now())

    async def _watch(self, request: web.Request, target: Target) -> web.StreamResponse:
        form = Form.of(request.headers.get("Accept", ""), request.query)
        query = dict(request.query)
        if target.name:
            query["fieldSelector"] = f"metadata.name={target.name}"
        opened = Opened(Watch(self._server, target, query, form, self._server.now))
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        try:
            await response.prepare(request)
            async with aclosing(opened.events()) as told:
                async for event in told:
                    await response.write(encoded(event))
            await response.write_eof()
        except ConnectionError:
            pass  # the client has gone: nobody is left to tell
        finally:
            opened.close()
        return response

    async def _write(self, request: web.Request, target: Target) -> web.Response:
        manager = Manager(_manager(request), subresource=target.subresource)
        asked = Asked(
            target, request.query, body_of(await request.read(), request.content_type), manager, request.content_type
        )
        match request.method, bool(target.name):
            case "POST", False:
                manifest, warnings = self._writing.create(asked)
                return answer(manifest, code=201, warnings=warnings)
            case "PUT" | "PATCH", True if target.subresource == SCALE:
                return answer(self._scale(asked))
            case "PUT", True:
                manifest, warnings = self._writing.update(asked)
                return answer(manifest, warnings=warnings)
            case "PATCH", True:
                if asked.patch not in PATCHES:
                    raise Refusal(415, f"the body of the request was in an unknown format - accepted media types "
                                       f"include: {', '.join(PATCHES)}")  # fmt: skip
                made = self._server.stored(*asked.place) is None
                manifest, warnings = self._writing.patch(asked)
                return answer(manifest, code=201 if made else 200, warnings=warnings)
            case "DELETE", True:
                return answer(self._deleting.one(asked))
            case "DELETE", False:
                return answer(self._deleting.all_selected(asked))
            case _:
                raise Refusal(405, "the server does not allow this method on the requested resource")

    def _scale(self, asked: Asked) -> Manifest:
        return scale_of(self._writing.rescale(asked, lambda old: scaled(old, asked.manifest)))


def _manager(request: web.Request) -> str:
    """Who writes: as they say, or by the name of their program."""
    return request.query.get("fieldManager") or request.headers.get("User-Agent", "unknown").partition("/")[0]


def _check_right(request: web.Request, target: Target) -> None:
    user = request.headers.get("Impersonate-User")
    if user is None:
        return
    resource = target.kind.resource
    verbs = {"GET": "get" if target.name else "list", "POST": "create", "PUT": "update", "PATCH": "patch"}
    verb = verbs.get(request.method, "delete")
    where = f' in the namespace "{target.namespace}"' if target.namespace else " at the cluster scope"
    said = f'User "{user}" cannot {verb} resource "{resource.plural}" in API group "{resource.group}"{where}'
    raise Refusal(403, f"{target} is forbidden: {said}" if target.name else f"{resource} is forbidden: {said}")
