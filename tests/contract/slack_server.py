"""Slack as its documentation has it: incoming webhooks, and chat.postMessage and chat.update of the Web API.

From docs.slack.dev, read 2026-11-27: messaging/sending-messages-using-incoming-webhooks, reference/block-kit/blocks,
reference/methods/chat.postMessage, reference/methods/chat.update, apis/web-api/rate-limits. Never run against the live
service.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.contract.vendor import Refusal, Reply, Request, demand, text_of

TOKEN, CHANNEL, CHANNEL_ID = "xoxb-slack-secret-42", "releases", "C0RELEASES1"
HOOK = "/services/T0TEAM0001/B0HOOK0001/XyZsecret24charsXXXXXXXX"


def webhook(request: Request) -> Reply:
    """Answers in plain text; `ok` if the message is posted."""
    if request.path != HOOK:
        raise Refusal(404, b"no_service")
    payload = request.json_object(b"invalid_payload")
    _check_message(payload, b"invalid_payload")
    return Reply(200, b"ok", request.payload_id(payload["attachments"][0]["blocks"][-1]["elements"][0]["text"]))


@dataclass(slots=True)
class WebApi:
    """A workspace with one channel. Errors come with status 200."""

    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By ts, as they look now."""
    threads: dict[str, str] = field(default_factory=dict)
    """Of which message a message is a reply."""

    def __call__(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Reply(200, {"ok": False, "error": "invalid_auth"})
        payload = request.json_object({"ok": False, "error": "invalid_json"}, status=200)
        _check_message(payload, {"ok": False, "error": "invalid_blocks"}, status=200)
        match request.path:
            case "/api/chat.postMessage":
                return self._post(payload)
            case "/api/chat.update":
                return self._update(payload)
            case _:
                return Reply(200, {"ok": False, "error": "unknown_method"})

    def _post(self, payload: dict[str, Any]) -> Reply:
        head = payload.get("thread_ts")
        if payload.get("channel") not in {CHANNEL, CHANNEL_ID}:
            return Reply(200, {"ok": False, "error": "channel_not_found"})
        if head is not None and head not in self.messages:
            return Reply(200, {"ok": False, "error": "thread_not_found"})
        ts = f"1503435956.{len(self.messages):06}"
        self.messages[ts] = payload
        if head is not None:
            self.threads[ts] = head
        known_as = payload["metadata"]["event_payload"]["id"]
        return Reply(200, {"ok": True, "channel": CHANNEL_ID, "ts": ts, "message": {}}, known_as)

    def _update(self, payload: dict[str, Any]) -> Reply:
        # Unlike chat.postMessage it takes no channel by name.
        if payload.get("channel") != CHANNEL_ID:
            return Reply(200, {"ok": False, "error": "channel_not_found"})
        if payload.get("ts") not in self.messages:
            return Reply(200, {"ok": False, "error": "message_not_found"})
        # What is not sent is retained.
        self.messages[payload["ts"]] |= {key: payload[key] for key in ("text", "attachments") if key in payload}
        return Reply(200, {"ok": True, "channel": CHANNEL_ID, "ts": payload["ts"], "text": payload.get("text", "")})


def _check_message(payload: dict[str, Any], error: Any, *, status: int = 400) -> None:
    refusal = Refusal(status, error)
    demand(bool(payload.get("text")) and len(payload["text"]) <= 40_000, refusal)
    for attachment in payload.get("attachments", ()):
        blocks = attachment.get("blocks", ())
        demand(0 < len(blocks) <= 50, refusal)
        for block in blocks:
            _check_block(block, refusal)


def _check_block(block: dict[str, Any], refusal: Refusal) -> None:
    match block:
        case {"type": "header", "text": {"type": "plain_text", "text": text}}:
            demand(0 < text_of(text) <= 150, refusal)
        case {"type": "section", "text": {"type": "mrkdwn", "text": text}}:
            demand(0 < text_of(text) <= 3000, refusal)
        case {"type": "section", "fields": fields}:
            demand(0 < len(fields) <= 10, refusal)
            demand(all(0 < text_of(one["text"]) <= 2000 for one in fields), refusal)
        case {"type": "actions", "elements": elements}:
            demand(0 < len(elements) <= 25, refusal)
            for button in elements:
                demand(button["type"] == "button" and text_of(button["text"]["text"]) <= 75, refusal)
                demand(text_of(button["url"]) <= 3000, refusal)
        case {"type": "context", "elements": elements}:
            demand(0 < len(elements) <= 10 and all(text_of(one["text"]) > 0 for one in elements), refusal)
        case _:
            raise refusal
