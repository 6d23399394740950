"""Microsoft Teams, Discord and Google Chat as their documentation has them. Never run against the live services.

Read 2026-11-27:
Teams: learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook and
  connectors-using (the envelope, adaptive cards only, 28 KB), adaptivecards.io/explorer (elements).
Discord: discord.com/developers/docs/resources/webhook#execute-webhook, resources/message#embed-object-embed-limits,
  topics/rate-limits.
Google Chat: developers.google.com/workspace/chat/quickstart/webhooks, api/reference/rest/v1/spaces.messages/create
  (32,000 bytes, thread.threadKey, messageReplyOption), api/reference/rest/v1/cards.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from tests.contract.vendor import Refusal, Reply, Request, demand, text_of

TEAMS = "/workflows/0a1b2c3d4e5f/triggers/manual/paths/invoke"
TEAMS_SIG = "Teams-sig_0123456789"
DISCORD = "/api/webhooks/112233445566778899/Discord-token_secret-0123456789"
SPACE = "/v1/spaces/AAAAspace01/messages"
CHAT_KEY, CHAT_TOKEN = "Chat-key-AIza0123456789", "Chat-token_0123456789%3D"


def teams(request: Request) -> Reply:
    """A workflow that posts a card when a webhook request is received: 202."""
    refusal = Refusal(400, {"error": {"code": "TriggerInputSchemaMismatch", "message": "not as the schema has it"}})
    if (request.path, request.query.get("sig")) != (TEAMS, TEAMS_SIG):
        raise Refusal(401, {"error": {"code": "DirectApiAuthorizationRequired", "message": "no"}})
    demand(len(request.body) <= 28 * 1024, Refusal(413, {"error": {"code": "RequestEntityTooLarge"}}))
    payload = request.json_object(refusal.body)
    demand(payload.get("type") == "message" and len(payload.get("attachments", ())) == 1, refusal)
    attachment = payload["attachments"][0]
    demand(attachment.get("contentType") == "application/vnd.microsoft.card.adaptive", refusal)
    demand(attachment.get("contentUrl", ...) is None, refusal)
    card = attachment["content"]
    demand(card["type"] == "AdaptiveCard" and re.fullmatch(r"1\.[0-5]", card["version"]), refusal)
    for element in card["body"]:
        _check_element(element, refusal)
    for action in card.get("actions", ()):
        demand(action["type"] == "Action.OpenUrl" and action["url"].startswith("http") and action["title"], refusal)
    return Reply(202, b"", request.payload_id(card["body"][-1]["text"]))


def _check_element(element: dict[str, Any], refusal: Refusal) -> None:
    match element:
        case {"type": "TextBlock", "text": text}:
            demand(text_of(text) > 0, refusal)
            demand(element.get("size", "Default") in {"Default", "Small", "Medium", "Large", "ExtraLarge"}, refusal)
        case {"type": "FactSet", "facts": facts}:
            demand(facts and all(one.keys() == {"title", "value"} and one["value"] for one in facts), refusal)
        case {"type": "Container", "items": items, "style": style}:
            demand(style in {"default", "emphasis", "good", "attention", "warning", "accent"}, refusal)
            for item in items:
                _check_element(item, refusal)
        case _:
            raise refusal


def discord(request: Request) -> Reply:
    """A channel's webhook: 200 with the message where it is waited for."""
    if request.path != DISCORD:
        raise Refusal(404, {"message": "Unknown Webhook", "code": 10015})
    refusal = Refusal(400, {"message": "Invalid Form Body", "code": 50035})
    payload = request.json_object(refusal.body)
    demand(request.query.get("wait") == "true", refusal)
    demand(1 <= text_of(payload.get("username", "x")) <= 80, refusal)
    demand(payload["allowed_mentions"] == {"parse": []} and len(payload["embeds"]) <= 10, refusal)
    total = 0
    for embed in payload["embeds"]:
        demand(0 < text_of(embed["title"]) <= 256 and 0 < text_of(embed["description"]) <= 4096, refusal)
        demand(len(embed["fields"]) <= 25 and 0 <= embed["color"] <= 0xFFFFFF, refusal)
        for one in embed["fields"]:
            demand(0 < text_of(one["name"]) <= 256 and 0 < text_of(one["value"]) <= 1024, refusal)
            total += len(one["name"]) + len(one["value"])
        demand(text_of(embed["footer"]["text"]) <= 2048, refusal)
        datetime.fromisoformat(embed["timestamp"])
        total += len(embed["title"]) + len(embed["description"]) + len(embed["footer"]["text"])
    demand(total <= 6000, refusal)
    return Reply(200, {"id": "1", "type": 0}, request.payload_id(payload["embeds"][0]["footer"]["text"]))


def google_chat(request: Request) -> Reply:
    """A space's webhook: 200 with the message's name."""
    error = {"error": {"code": 400, "message": "Invalid JSON payload received.", "status": "INVALID_ARGUMENT"}}
    refusal = Refusal(400, error)
    if request.path != SPACE or (request.query.get("key"), request.query.get("token")) != (
        CHAT_KEY, CHAT_TOKEN.replace("%3D", "="),
    ):  # fmt: skip
        raise Refusal(403, {"error": {"code": 403, "status": "PERMISSION_DENIED"}})
    demand(len(request.body) <= 32_000, refusal)
    payload = request.json_object(error)
    demand(request.query.get("messageReplyOption") == "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD", refusal)
    demand(0 < text_of(payload["thread"]["threadKey"]) <= 4000, refusal)
    (card,) = payload["cardsV2"]
    demand(card.keys() == {"cardId", "card"} and card["card"]["header"]["title"], refusal)
    for section in card["card"]["sections"]:
        demand(0 < len(section["widgets"]) <= 100, refusal)
        for widget in section["widgets"]:
            _check_widget(widget, refusal)
    return Reply(
        200, {"name": "spaces/AAAAspace01/messages/1.1"}, request.payload_id(card["card"]["header"]["subtitle"])
    )


def _check_widget(widget: dict[str, Any], refusal: Refusal) -> None:
    match widget:
        case {"textParagraph": {"text": text}} | {"decoratedText": {"text": text, "topLabel": str()}}:
            demand(text_of(text) > 0, refusal)
        case {"buttonList": {"buttons": buttons}}:
            demand(all(one["text"] and one["onClick"]["openLink"]["url"] for one in buttons), refusal)
        case _:
            raise refusal
