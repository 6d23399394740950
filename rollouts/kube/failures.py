"""From what the API server answered to an error of ours, purely.

A body is believed only if it is a `Status`; what it says is cut short, and quoted objects are cut off, because a
message ends in logs, events and conditions, and a refused Secret would be quoted in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from rollouts.errors import Conflict, Forbidden, Gone, KubeError, NotFound, Rejected, Throttled, Unavailable
from rollouts.kube.requests import JSON_PATCH, Request
from rollouts.reach.retry_after import retry_after_s

MESSAGE_LIMIT = 256
"""Characters of the server's message that are kept."""

_QUOTED_OBJECT = re.compile(r'\w+ value: ("?[{\[]|map\[)')
"""As `Invalid value: "{` and `Duplicate value: {`; words in the place of a value are kept."""
_MISSING_RIGHT = re.compile(
    r'cannot (?P<verb>\w+) resource "(?P<plural>[^"/]+)(?P<sub>/[^"]+)?" in API group "(?P<group>[^"]*)"'
)


class NotSent(Unavailable):
    """No connection could be made: the request had no effect, and sending it again is safe."""


class AlreadyExists(Conflict):
    """409 for a name that is taken."""


def failure_of(request: Request, status: int, headers: Mapping[str, str], body: bytes) -> KubeError:
    """The error for an answer that is not 2xx."""
    return failure_from_status(request, status, status_body(body), retry_after_s=retry_after_s(headers))


def failure_from_status(
    request: Request, status: int, told: Mapping[str, Any], *, retry_after_s: float | None = None
) -> KubeError:
    """The error for an HTTP status and the `Status` object that came with it (empty if none did)."""
    verb, resource = request.verb, request.resource
    right = _MISSING_RIGHT.search(str(told.get("message", ""))) if status == 403 else None
    if right is not None:
        group = f".{right['group']}" if right["group"] else ""
        verb, resource = right["verb"], f"{right['plural']}{group}{right['sub'] or ''}"
    kind = _kind_of(request, status, told)
    message = f"{verb} {resource}: {_explain(kind, status, told)}"
    error = kind(message, verb=verb, resource=resource, status=status)
    if kind in (Throttled, Unavailable):
        error.retry_after_s = _first(retry_after_s, _asked_delay_s(told))
    return error


def status_body(body: bytes) -> Mapping[str, Any]:
    """The `Status` object in an answer, or nothing if the body is something else."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) and told.get("kind") == "Status" else {}


def _kind_of(request: Request, status: int, told: Mapping[str, Any]) -> type[KubeError]:
    if status == 409:
        return AlreadyExists if told.get("reason") == "AlreadyExists" else Conflict
    if status == 422 and request.content_type == JSON_PATCH and not _causes(told):
        return Conflict  # the patch's test or path failed; a patched object that is invalid comes with causes
    if status in (408, 429):
        return Throttled if status == 429 else Unavailable
    by_status: dict[int, type[KubeError]] = {401: Forbidden, 403: Forbidden, 404: NotFound, 410: Gone}
    return by_status.get(status, Rejected if 400 <= status < 500 else Unavailable)


def _explain(kind: type[KubeError], status: int, told: Mapping[str, Any]) -> str:
    said = _QUOTED_OBJECT.split(str(told.get("message", "")), maxsplit=1)[0].strip()
    if len(said) > MESSAGE_LIMIT:
        said = said[: MESSAGE_LIMIT - 1] + "…"
    if kind is Forbidden and status == 403:
        return f"not allowed: {said or 'no reason given'}"
    return said or f"HTTP {status} without an explanation"


def _causes(told: Mapping[str, Any]) -> object:
    details = told.get("details")
    return details.get("causes") if isinstance(details, dict) else None


def _asked_delay_s(told: Mapping[str, Any]) -> float | None:
    details = told.get("details")
    asked = details.get("retryAfterSeconds") if isinstance(details, dict) else None
    return float(asked) if isinstance(asked, int) and asked > 0 else None


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)
