"""PagerDuty and a consumer of CloudEvents as their documentation has them.

Read 2026-11-27:
PagerDuty: reference/events-v2/openapiv3.json of github.com/PagerDuty/api-schema at 5cd58ff, and
  developer.pagerduty.com/docs/send-alert-event (lengths). Never run against the live service.
CloudEvents: github.com/cloudevents/spec v1.0.2, cloudevents/spec.md, bindings/http-protocol-binding.md 3.2,
  formats/json-format.md. Signatures: www.standardwebhooks.com, as in tests/adapters/test_hooks_http.py.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from rollouts.testing.hooks import verify
from rollouts.testing.virtual_time import START
from tests.contract.vendor import Refusal, Reply, Request, demand, text_of

ROUTING_KEY = "e93facc04764012d7bfb002500d5d1a6"
SIGNING_KEY = b"hook-signing-secret-0123456789ab"
HOOK_TOKEN = "hook-bearer-secret-77"
_EVENT = {"routing_key", "event_action", "dedup_key", "payload", "client", "client_url", "links", "images"}
_PAYLOAD = {"summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"}


def pagerduty(request: Request) -> Reply:
    """202 if the event is accepted."""
    wrong = {"status": "invalid event", "message": "Event object is invalid", "errors": ["no"]}
    refusal = Refusal(400, wrong)
    demand(request.path == "/v2/enqueue", Refusal(404, b""))
    event = request.json_object(wrong)
    if event.get("routing_key") != ROUTING_KEY:
        raise Refusal(400, wrong | {"errors": [f"Invalid routing key {event.get('routing_key')}"]})
    demand(not event.keys() - _EVENT and 0 < text_of(event["dedup_key"]) <= 255, refusal)
    known_as = f"resolved {event['dedup_key']}"
    if event["event_action"] == "trigger":
        payload = event["payload"]
        demand(not payload.keys() - _PAYLOAD and 0 < text_of(payload["summary"]) <= 1024, refusal)
        demand(payload["severity"] in {"critical", "error", "warning", "info"} and payload["source"], refusal)
        demand(datetime.fromisoformat(payload["timestamp"]).tzinfo is not None, refusal)
        demand(all(one.keys() <= {"href", "text"} and one["href"] for one in event["links"]), refusal)
        known_as = payload["custom_details"]["id"]
    else:
        demand(event["event_action"] in {"acknowledge", "resolve"}, refusal)
    said = {"status": "success", "message": "Event processed", "dedup_key": event["dedup_key"]}
    return Reply(202, said, known_as)


def cloud_events(request: Request) -> Reply:
    """204 if it is an event in structured mode, meant for us and signed."""
    refusal = Refusal(400, b"no CloudEvent")
    demand(request.headers.get("content-type", "").split(";")[0] == "application/cloudevents+json", refusal)
    demand(request.headers.get("authorization") == f"Bearer {HOOK_TOKEN}", Refusal(401, b"who are you?"))
    demand(verify(request.headers, request.body, SIGNING_KEY, START), Refusal(401, b"not signed"))
    event = json.loads(request.body)
    _check_event(event, refusal)
    demand(request.headers["idempotency-key"] == event["id"] == request.headers["webhook-id"], refusal)
    return Reply(204, b"", event["id"])


def _check_event(event: dict[str, Any], refusal: Refusal) -> None:
    demand(event.get("specversion") == "1.0", refusal)
    demand(all(text_of(event.get(name)) > 0 for name in ("id", "source", "type")), refusal)
    demand(all(re.fullmatch(r"[a-z0-9]{1,20}", name) for name in event.keys() - {"data", "data_base64"}), refusal)
    urlsplit(event["source"])
    demand(datetime.fromisoformat(event["time"]).astimezone(UTC) is not None, refusal)
    demand(event["datacontenttype"] == "application/json" and isinstance(event["data"], dict), refusal)
