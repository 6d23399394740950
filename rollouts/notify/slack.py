"""Slack: by an incoming webhook, or by a bot token, which makes one thread of each release and updates its head.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks, and the methods chat.postMessage and
chat.update. Neither takes an idempotency key: a second delivery bears the same id in its last line.
"""

from __future__ import annotations

import json
from typing import Any

from rollouts.hooks.answer import Answered, Attempt
from rollouts.notify.letter import Letter
from rollouts.notify.posting import Post, post_json, redacted, told_by_status
from rollouts.notify.slack_blocks import render
from rollouts.ports import Delivered, Undelivered

API = "https://slack.com/api"
_GONE = ("thread_not_found", "message_not_found", "cannot_reply_to_message")
"""Errors by which a thread has ended, because somebody deleted its head: then another one is begun."""
_PASSING = frozenset({"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable"})


async def notify(letter: Letter, post: Post) -> Delivered | Undelivered:
    """One message: into the thread of its release, if there is a token for that."""
    token = letter.to.secret.get("token", "").strip()
    if token:
        return await _by_bot(letter, post, token)
    if not letter.address:
        return Undelivered("the Secret has neither `address` nor `token`", lasting=True)
    return told_by_status(await post_json(post, letter, render(letter)), letter)


async def _by_bot(letter: Letter, post: Post, token: str) -> Delivered | Undelivered:
    if not letter.spec.channel:
        return Undelivered("spec.channel is needed with a bot token", lasting=True)
    base = (letter.address or API).removesuffix("/").removesuffix("/chat.postMessage")
    bot = _Bot(letter, post, base, token)
    channel, _, head = letter.thread.partition("/")
    message = render(letter)
    if not head:
        return await bot.call("chat.postMessage", _from(letter, message, letter.spec.channel))
    reply = await bot.call("chat.postMessage", {**_from(letter, message, channel), "thread_ts": head})
    if isinstance(reply, Undelivered) and reply.reason.endswith(_GONE):
        return await bot.call("chat.postMessage", _from(letter, message, letter.spec.channel))
    if isinstance(reply, Undelivered):
        return reply
    # The reply stands: that the head is not the newest state is no reason to say all again.
    await bot.call("chat.update", {**message, "channel": channel, "ts": head})
    return Delivered()


def _from(letter: Letter, message: dict[str, Any], channel: str) -> dict[str, Any]:
    known_as = {"event_type": "rollouts_notice", "event_payload": {"id": letter.notification.id}}
    return {**message, "channel": channel, "username": letter.spec.username, "metadata": known_as}


class _Bot:
    """Calls methods of Slack's Web API, which says in the body what became of a call."""

    def __init__(self, letter: Letter, post: Post, base: str, token: str) -> None:
        self._letter = letter
        self._post = post
        self._base = base
        self._token = token

    async def call(self, method: str, payload: dict[str, Any]) -> Delivered | Undelivered:
        url = f"{self._base}/{method}"
        attempt = await post_json(self._post, self._letter, payload, url, Authorization=f"Bearer {self._token}")
        told = told_by_status(attempt, self._letter, url)
        if isinstance(told, Undelivered):
            return told
        said = _said(attempt)
        if said.get("ok") is True:
            channel, ts = str(said.get("channel", "")), str(said.get("ts", ""))
            return Delivered(f"{channel}/{ts}" if channel and ts else "")
        error = redacted(str(said.get("error", "an answer that is none")), self._letter.to)[:200]
        return Undelivered(f"{method}: {error}", lasting=error not in _PASSING)


def _said(attempt: Attempt) -> dict[str, Any]:
    try:
        said = json.loads(attempt.body) if isinstance(attempt, Answered) else None
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
