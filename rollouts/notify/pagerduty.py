"""PagerDuty: the Events API v2. A failure opens an alert, and the same Canary's next success resolves it.

https://developer.pagerduty.com/docs/send-alert-event and reference/events-v2 of https://github.com/PagerDuty/api-schema:
a summary has 1024 characters at most, a dedup_key 255. The key is the Canary's, so a second delivery, or the next
failure before anybody has mended the first, is the same alert. News that neither warns nor resolves are not sent.
"""

from __future__ import annotations

from typing import Any

from rollouts.api.alert import Severity
from rollouts.notify.letter import Letter, cut
from rollouts.notify.posting import Post, post_json, told_by_status
from rollouts.ports import Delivered, Undelivered

URL = "https://events.pagerduty.com/v2/enqueue"
_SEVERITIES = {Severity.INFO: "info", Severity.WARN: "warning", Severity.ERROR: "critical"}
SUMMARY_MAX, KEY_MAX = 1024, 255


async def notify(letter: Letter, post: Post) -> Delivered | Undelivered:
    """One event, if it is one."""
    key = letter.to.secret.get("routingKey", "").strip()
    if not key:
        return Undelivered("the Secret has no `routingKey`", lasting=True)
    told = letter.notification
    if told.severity is Severity.INFO and not told.settles:
        return Delivered()
    url = letter.address or URL
    return told_by_status(await post_json(post, letter, render(letter, key), url), letter, url)


def render(letter: Letter, routing_key: str) -> dict[str, Any]:
    """The event."""
    told = letter.notification
    event = {"routing_key": routing_key, "dedup_key": f"rollouts-{told.canary}"[:KEY_MAX]}
    if told.settles:
        return {**event, "event_action": "resolve"}
    details = {"id": told.id, **dict(told.facts)}
    payload = {
        "summary": cut(f"{letter.title}: {letter.text}", SUMMARY_MAX),
        "source": f"{told.cluster}/{told.namespace}/{told.name}".lstrip("/"),
        "severity": _SEVERITIES[told.severity],
        "timestamp": told.at.isoformat(),
        "component": told.target,
        "group": told.namespace,
        "class": told.reason,
        "custom_details": details,
    }
    links = [{"href": link.url, "text": link.title} for link in letter.links]
    return {**event, "event_action": "trigger", "client": "rollouts", "payload": payload, "links": links}
