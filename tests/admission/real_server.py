"""What a real API server answers to a write, and what `admit` says, in one form that can be compared."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiClient
from kubernetes_asyncio.client.exceptions import ApiException

from rollouts.admission.admit import admit
from rollouts.admission.definition import Definition
from rollouts.api.resources import Resource
from rollouts.errors import Rejected
from rollouts.kube.access import open_client

MERGE = "application/merge-patch+json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: the message, with what stands in brackets, and the causes, in any order of siblings."""

    status: int
    message: frozenset[str]
    causes: frozenset[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class RealServer:
    """One kind on the API server that KUBECONFIG names."""

    client: ApiClient
    resource: Resource

    async def send(self, method: str, name: str, query: str, body: Any) -> Any:
        """The object that it answers with. Raises ApiException."""
        headers = {"Content-Type": MERGE if method == "PATCH" else "application/json"}
        await self.client.update_params_for_auth(headers, [], ["BearerToken"])
        path = f"{self.resource.path(namespace='default')}{name}?{query}"
        answer: Any = await self.client.rest_client.request(
            method, f"{self.client.configuration.host}{path}", headers=headers, body=body
        )
        return json.loads(answer.data or b"null")

    async def refusal(self, method: str, name: str, query: str, body: Any) -> Answer | None:
        """What it says when it refuses; None if it does not."""
        try:
            await self.send(method, name, query, body)
        except ApiException as refused:
            told = json.loads(refused.body or "")
            return answer_of(told["code"], told["message"], (told.get("details") or {}).get("causes") or ())
        return None


def answer_of(status: int, message: str, causes: Any) -> Answer:
    """An answer whose siblings stand in no order, as the server's do."""
    head, bracket, rest = message.partition(" is invalid: [")
    parts = [" is invalid: ", *_parts(rest.removesuffix("]"), causes)] if bracket else []
    return Answer(status, frozenset([head, *parts]), frozenset(tuple(sorted(cause.items())) for cause in causes))


def _parts(text: str, causes: Any) -> list[str]:
    """The complaints in a summary; what is none of them is left over, and would be a difference."""
    known = sorted({f"{cause['field']}: {cause['message']}" for cause in causes}, key=len, reverse=True)
    left = text
    for one in known:
        left = left.replace(one, "", 1)
    return [*known, left]


@asynccontextmanager
async def real_server(resource: Resource) -> AsyncIterator[RealServer]:
    """The server that KUBECONFIG names."""
    path = os.environ.get("KUBECONFIG")
    if not path:
        pytest.fail("KUBECONFIG is not set: run `make test-kube`, which starts an API server of its own")
    client = await open_client(kubeconfig=Path(path))
    yield RealServer(client, resource)
    await client.close()


def refusal_of_ours(definition: Definition, new: Any, old: Any = None, **how: Any) -> Answer | None:
    """What `admit` says."""
    try:
        admit(definition, new, old, **how)
    except Rejected as refused:
        return answer_of(refused.status, str(refused), refused.causes)
    return None
