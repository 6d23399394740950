"""A message as Slack lays it out: Block Kit within an attachment, whose bar has the colour of the severity. Pure.

Limits are those of https://docs.slack.dev/reference/block-kit/blocks: 3000 characters of a section's text, 10 fields of
2000, 75 of a button's text.
"""

from __future__ import annotations

from typing import Any

from rollouts.api.alert import Severity
from rollouts.notify.letter import Letter, cut

_COLOURS = {Severity.INFO: "#2eb67d", Severity.WARN: "#ecb22e", Severity.ERROR: "#e01e5a"}
TITLE_MAX, SECTION_MAX, FIELD_MAX, FIELDS_MAX, BUTTON_MAX = 300, 3000, 2000, 10, 75


def render(letter: Letter) -> dict[str, Any]:
    """The parts of a message that are the same for a webhook and for a bot."""
    told = letter.notification
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": _mrkdwn(letter.text or letter.title, SECTION_MAX)},
    ]
    fields = [_field(label, words) for label, words in told.facts[:FIELDS_MAX]]
    if fields:
        blocks.append({"type": "section", "fields": fields})
    buttons = [
        {"type": "button", "text": {"type": "plain_text", "text": cut(link.title, BUTTON_MAX)}, "url": link.url}
        for link in letter.links
    ]
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    blocks.append({"type": "context", "elements": [_mrkdwn(f"{told.reason} · {told.id}", FIELD_MAX)]})
    return {
        "text": f"*{_mrkdwn(letter.title, TITLE_MAX)['text']}*",
        "attachments": [{"color": _COLOURS[told.severity], "blocks": blocks}],
    }


def escaped(text: str) -> str:
    """The text with Slack's three characters of control escaped: nobody is mentioned by what a metric says."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _mrkdwn(text: str, limit: int) -> dict[str, str]:
    # Escaped after it is cut, or an entity could be cut in half; that makes it longer, at most fivefold.
    kept = cut(text, limit)
    while len(escaped(kept)) > limit:
        kept = cut(kept, len(kept) - max(1, (len(escaped(kept)) - limit) // 5))
    return {"type": "mrkdwn", "text": escaped(kept)}


def _field(label: str, words: str) -> dict[str, str]:
    field = _mrkdwn(words, FIELD_MAX - len(label) - 3)
    return field | {"text": f"*{label}*\n{field['text']}"}
