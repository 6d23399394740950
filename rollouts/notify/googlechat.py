"""Google Chat: a card to an incoming webhook of a space, all of one release in one thread.

https://developers.google.com/workspace/chat/quickstart/webhooks and the reference of spaces.messages.create: a thread
is found again by a key of ours, so that nothing has to be remembered; a message takes 32,000 bytes at most.
"""

from __future__ import annotations

import html
from typing import Any

from rollouts.api.alert import Severity
from rollouts.notify.letter import Letter, cut
from rollouts.notify.posting import Post, post_json, told_by_status, with_query
from rollouts.ports import Delivered, Undelivered

_MARKS = {Severity.INFO: "🟢", Severity.WARN: "🟡", Severity.ERROR: "🔴"}
TEXT_MAX = 4000
"""So that a message stays far under the limit."""


async def notify(letter: Letter, post: Post) -> Delivered | Undelivered:
    """One card."""
    if not letter.address:
        return Undelivered("the Secret has no `address`", lasting=True)
    url = with_query(letter.address, messageReplyOption="REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD")
    return told_by_status(await post_json(post, letter, render(letter), url), letter)


def render(letter: Letter) -> dict[str, Any]:
    """The message with its card."""
    told = letter.notification
    widgets: list[dict[str, Any]] = [{"textParagraph": {"text": _text(letter.text or letter.title)}}]
    widgets += [
        {"decoratedText": {"topLabel": label, "text": _text(words), "wrapText": True}} for label, words in told.facts
    ]
    buttons = [{"text": link.title, "onClick": {"openLink": {"url": link.url}}} for link in letter.links]
    if buttons:
        widgets.append({"buttonList": {"buttons": buttons}})
    header = {
        "title": cut(f"{_MARKS[told.severity]} {letter.title}", TEXT_MAX),
        "subtitle": f"{told.reason} · {told.id}",
    }
    card = {"cardId": told.id, "card": {"header": header, "sections": [{"widgets": widgets}]}}
    return {"thread": {"threadKey": told.release}, "cardsV2": [card]}


def _text(text: str) -> str:
    """Cards know a part of HTML: none of it is ours."""
    return html.escape(cut(text, TEXT_MAX), quote=False)
