"""Actions by way of our own API server: for those who may act on a Canary and not change it.

The kubeconfig's token goes with it, and by that alone the server knows who asks. So it is sent to nobody over a plain
connection that may leave this machine or the cluster.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout

from rollouts.cli import exits
from rollouts.cli.cluster.intents import Asked, Outcome, checked, gate_words
from rollouts.cli.cluster.model import known_of
from rollouts.cli.cluster.session import Session
from rollouts.cli.refused import CommandRefused

TIMEOUT_S = 30.0
_INSIDE = (".svc", ".svc.cluster.local", ".localhost")


def reach_of(url: str) -> str:
    """The URL without its last slash. Raises CommandRefused for one that a token must not be sent to."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not host:
        raise CommandRefused(f"--server {url}: write a URL such as https://rollouts.example.com")
    if parts.username or parts.password:
        raise CommandRefused("--server holds a password: leave it out, the kubeconfig's token is sent")
    if parts.scheme == "http" and not _stays_inside(host):
        raise CommandRefused(f"--server {url}: your token would be sent unencrypted: use https://")
    return url.rstrip("/")


def _stays_inside(host: str) -> bool:
    """Whether a plain connection leads to this machine, or to a Service by its name within the cluster."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return "." not in host or host.endswith(_INSIDE)


async def posted(session: Session, server: str, name: str, asked: Asked) -> Outcome:
    """Send it. Raises CommandRefused with what the server says."""
    if not session.token:
        raise CommandRefused(
            f"--server needs a bearer token, and {session.place} has none: use one that has, such as of a service "
            "account (`kubectl create token`), or leave out --server"
        )
    known = known_of(await session.canary(name))
    intent = checked(known, asked)
    path = f"/api/v1/namespaces/{known.key.namespace}/canaries/{known.key.name}/actions/{asked.verb}"
    told = await _post(server, path, session.token, intent)
    taken_as = str(told.get("id") or asked.id)
    return Outcome(known.key, str(intent["revision"]), replace(asked, id=taken_as), gate=gate_words(known, asked.verb))


async def _post(server: str, path: str, token: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    try:
        async with (
            ClientSession(timeout=ClientTimeout(total=TIMEOUT_S)) as http,
            http.post(f"{server}{path}", json=body, headers=headers, allow_redirects=False) as answer,
        ):
            said = _read(await answer.text())
            if not 200 <= answer.status < 300:
                raise _refused(server, answer.status, said)
            return said
    except (ClientError, TimeoutError, OSError) as error:
        why = type(error).__name__
        raise CommandRefused(
            f"no answer from the rollouts server {server} ({why}): is it up, and reachable from here? "
            "Without --server the action is written by way of the Kubernetes API"
        ) from error


def _read(text: str) -> Mapping[str, Any]:
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _refused(server: str, status: int, told: Mapping[str, Any]) -> CommandRefused:
    """What the server says, and the way out."""
    said = str(told.get("detail") or told.get("message") or f"HTTP {status} without an explanation")[:400]
    match status:
        case 401:
            hint = "it does not know you: your token is wrong or expired: log in again"
        case 403:
            hint = "ask for a Role with that verb on canaries.rollouts.dev"
        case 404:
            return CommandRefused(f"the rollouts server {server}: {said}", exits.NOT_FOUND)
        case 429:
            hint = "try again in a moment"
        case _ if status >= 500:
            hint = "look at its log, or leave out --server"
        case _:
            return CommandRefused(f"the rollouts server {server}: {said}", exits.FAILED)
    return CommandRefused(f"the rollouts server {server}: {said} ({status}): {hint}")
