"""Microsoft Teams: an adaptive card to a workflow that starts when a Teams webhook request is received.

https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook has the envelope
and the limit of 28 KB. A workflow answers 202 when it has taken the card; it knows no idempotency key and no threads.
"""

from __future__ import annotations

from typing import Any

from rollouts.api.alert import Severity
from rollouts.notify.letter import Letter, cut
from rollouts.notify.posting import Post, post_json, told_by_status
from rollouts.ports import Delivered, Undelivered

_STYLES = {Severity.INFO: "good", Severity.WARN: "warning", Severity.ERROR: "attention"}
TEXT_MAX = 4000
"""So that a card stays far under the limit, whatever template makes the text."""


async def notify(letter: Letter, post: Post) -> Delivered | Undelivered:
    """One card."""
    if not letter.address:
        return Undelivered("the Secret has no `address`", lasting=True)
    return told_by_status(await post_json(post, letter, render(letter)), letter)


def render(letter: Letter) -> dict[str, Any]:
    """The message with its card."""
    told = letter.notification
    title = _text(letter.title, size="Large", weight="Bolder")
    facts = [{"title": label, "value": plain(cut(words, TEXT_MAX))} for label, words in told.facts]
    last = _text(f"{told.reason} · {told.id}", size="Small", isSubtle=True)
    actions = [{"type": "Action.OpenUrl", "title": link.title, "url": link.url} for link in letter.links]
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": [
            {"type": "Container", "style": _STYLES[told.severity], "items": [title]},
            _text(letter.text or letter.title),
            {"type": "FactSet", "facts": facts},
            last,
        ],
    }
    if actions:
        card["actions"] = actions
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def plain(text: str) -> str:
    """The text with the characters of Markdown escaped, of which a card's texts know a part."""
    return "".join(f"\\{char}" if char in "\\`*_[]#~" else char for char in text)


def _text(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "TextBlock", "text": plain(cut(text, TEXT_MAX)), "wrap": True, **more}
