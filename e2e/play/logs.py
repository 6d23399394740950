"""The two logs that say what the controller asked: the API server's audit log and Prometheus' query log. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from e2e.lab.credentials import CONTROLLER
from e2e.play.seen import ApiRequest


def read_audit(lines: Iterable[str], *, since_s: float, until_s: float) -> list[ApiRequest]:
    """The controller's requests that the API server received in that time, each once, by time."""
    found: dict[str, ApiRequest] = {}
    for event in _documents(lines):
        at_s = _seconds(event["requestReceivedTimestamp"])
        if event["user"]["username"] == CONTROLLER and since_s <= at_s <= until_s:
            # A watch is logged when it starts and when it ends.
            found.setdefault(event["auditID"], _request(event, at_s))
    return sorted(found.values(), key=lambda request: request.at_s)


def read_queries(lines: Iterable[str], *, since_s: float, until_s: float) -> list[str]:
    """The text of each query that Prometheus answered in that time."""
    return [
        str(entry["params"]["query"])
        for entry in _documents(lines)
        if "params" in entry and since_s <= _seconds(entry["time"]) <= until_s
    ]


def count_requests(requests: Iterable[ApiRequest]) -> dict[str, int]:
    """How many there were by verb and resource, the most frequent first."""
    return dict(Counter(f"{request.verb} {request.resource}" for request in requests).most_common())


def _request(event: dict[str, Any], at_s: float) -> ApiRequest:
    target = event.get("objectRef") or {}
    resource = target.get("resource") or event["requestURI"]
    if group := target.get("apiGroup"):
        resource = f"{resource}.{group}"
    if subresource := target.get("subresource"):
        resource = f"{resource}/{subresource}"
    return ApiRequest(
        at_s=at_s,
        verb=event["verb"],
        resource=resource,
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        code=(event.get("responseStatus") or {}).get("code", 0),
    )


def _documents(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Each whole line; the last one may be half written."""
    for line in lines:
        if line.endswith("\n"):
            yield json.loads(line)


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()
