"""Discord: an embed to a webhook of a channel.

https://discord.com/developers/docs/resources/webhook#execute-webhook; the limits are those of
https://discord.com/developers/docs/resources/message#embed-object-embed-limits. With `wait=true` it answers only when
the message is stored.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from rollouts.api.alert import Severity
from rollouts.notify.letter import Letter, cut
from rollouts.notify.posting import Post, post_json, told_by_status, with_query
from rollouts.ports import Delivered, Undelivered

_COLOURS = {Severity.INFO: 0x2EB67D, Severity.WARN: 0xECB22E, Severity.ERROR: 0xE01E5A}
TITLE_MAX, DESCRIPTION_MAX, FIELD_NAME_MAX, FIELD_MAX, FIELDS_MAX = 256, 4096, 256, 1024, 25
WHOLE_MAX, FIELDS_TEXT_MAX = 6000, 3000
"""Characters of all texts of an embed, and what of that the fields may have."""
_MARKDOWN = "\\`*_~|>[]#"


async def notify(letter: Letter, post: Post) -> Delivered | Undelivered:
    """One embed."""
    if not letter.address:
        return Undelivered("the Secret has no `address`", lasting=True)
    url = with_query(letter.address, wait="true")
    return told_by_status(await post_json(post, letter, render(letter), url), letter)


def render(letter: Letter) -> dict[str, Any]:
    """The message. It mentions nobody, whatever its words are."""
    told = letter.notification
    links = [{"name": cut(link.title, FIELD_NAME_MAX), "value": cut(link.url, FIELD_MAX)} for link in letter.links]
    facts = [{"name": label, "value": cut(plain(words), FIELD_MAX)} for label, words in told.facts]
    fields = _fitting([*facts, *links])
    left = WHOLE_MAX - sum(map(_size, fields)) - 2 * TITLE_MAX
    embed = {
        "title": cut(letter.title, TITLE_MAX),
        "color": _COLOURS[told.severity],
        "timestamp": told.at.isoformat(),
        "description": cut(plain(letter.text or letter.title), min(DESCRIPTION_MAX, left)),
        "fields": fields,
        "footer": {"text": cut(f"{told.reason} · {told.id}", TITLE_MAX)},
    }
    return {"username": letter.spec.username, "allowed_mentions": {"parse": []}, "embeds": [embed]}


def _fitting(fields: list[dict[str, str]]) -> list[dict[str, str]]:
    """As many of them, from the first, as there is room for."""
    sizes = accumulate(map(_size, fields))
    return [field for field, size in zip(fields[:FIELDS_MAX], sizes, strict=False) if size <= FIELDS_TEXT_MAX]


def _size(field: dict[str, str]) -> int:
    return len(field["name"]) + len(field["value"])


def plain(text: str) -> str:
    """The text with Discord's Markdown escaped."""
    return "".join(f"\\{char}" if char in _MARKDOWN else char for char in text)
