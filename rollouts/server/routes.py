"""/api/v1: each path and what it takes. What is answered is the matter of api.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response

from rollouts import __version__
from rollouts.api.actions import Verb
from rollouts.api.resources import ObjectKey
from rollouts.ports import Access
from rollouts.server.api import Api, Asked, Backend, Wish, address_of, still, told
from rollouts.server.failures import answer_failures
from rollouts.server.gatekeeper import Caller
from rollouts.server.guard import Guard
from rollouts.server.stream import EventStream, News
from rollouts.server.views import Detail, Run, Summary, Timeline, detail_of, history_of, timeline_of

BASE = "/api/v1"


@dataclass(frozen=True, slots=True)
class Talk:
    """One request of somebody who is known."""

    api: Api
    caller: Caller
    address: str


async def _talk(request: Request) -> Talk:
    api: Api = request.app.state.api
    return Talk(api, await api.caller(request), address_of(request))


async def _key(namespace: str, name: str) -> ObjectKey:
    return ObjectKey(namespace, name)


Known = Annotated[Talk, Depends(_talk)]
Key = Annotated[ObjectKey, Depends(_key)]
ONE = "/namespaces/{namespace}/canaries/{name}"
router = APIRouter()


@router.get("/openapi.json", include_in_schema=False)
async def description(request: Request, _talk: Known) -> dict[str, Any]:
    """What there is to ask."""
    described: dict[str, Any] = request.app.openapi()
    return described


@router.get("/canaries")
async def all_canaries(talk: Known) -> list[Summary]:
    """All Canaries, in the order of their names. Takes `list` in all namespaces."""
    return await talk.api.listed(talk.caller, "")


@router.get("/namespaces/{namespace}/canaries")
async def canaries(talk: Known, namespace: str) -> list[Summary]:
    """Those of one namespace. Takes `list` there."""
    return await talk.api.listed(talk.caller, namespace)


@router.get(ONE)
async def canary(talk: Known, key: Key) -> Detail:
    """One Canary: where it is, why it waits, what comes next. Takes `get`."""
    return detail_of(await talk.api.canary(talk.caller, key), talk.api.backend.now())


@router.get(ONE + "/history")
async def history(talk: Known, key: Key) -> list[Run]:
    """Its releases, the newest first, as far as they are still known. Takes `get`."""
    found = await talk.api.canary(talk.caller, key)
    return history_of(found, (await talk.api.events(talk.caller, key))[0])


@router.get(ONE + "/timeline")
async def timeline(talk: Known, key: Key) -> Timeline:
    """What happened, the oldest first. Takes `get`; Events are in it for who may list those."""
    found = await talk.api.canary(talk.caller, key)
    return timeline_of(found, *await talk.api.events(talk.caller, key))


@router.get(ONE + "/events", response_class=Response)
async def events(talk: Known, key: Key) -> Response:
    """Server-sent events: the Canary as it is after each change (`canary`), or that it is `gone`. Takes `watch`."""
    api, access = talk.api, Access("watch", key.namespace, key.name)
    await api.canary(talk.caller, key, "watch")
    tell, allowed = (lambda: told(api.backend, key)), (lambda: still(api, talk.caller, access))
    return EventStream(News(api.backend.feed, key, tell, allowed), heartbeat_s=api.backend.heartbeat_s)


@router.post(ONE + "/actions/{verb}", status_code=202)
async def act(talk: Known, key: Key, verb: Verb, wish: Wish) -> Asked:
    """Ask something of a Canary. Takes that very verb on it, such as `approve`."""
    return await talk.api.ask(talk.caller, key, verb, wish, talk.address)


def make_api(backend: Backend) -> FastAPI:
    """The application, to be mounted at BASE."""
    server = FastAPI(title="rollouts", version=__version__, openapi_url=None, servers=[{"url": BASE}])
    server.state.api = Api(backend)
    server.include_router(router)
    server.add_middleware(Guard)
    answer_failures(server)
    return server
