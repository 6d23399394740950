"""Any URL: a CloudEvent 1.0 in structured mode over HTTP, signed if wanted; or a JSON document of the user's.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md (3.2) and
cloudevents/formats/json-format.md. `source` and `id` together are unique, and the same at a second delivery.
The signature is that of webhooks (hooks/signature.py).
"""

from __future__ import annotations

import json
from typing import Any

from rollouts.api.resources import CANARIES, GROUP
from rollouts.hooks.answer import Silent
from rollouts.hooks.signature import signature_headers
from rollouts.notify.letter import Letter, in_json
from rollouts.notify.posting import Post, told_by_status
from rollouts.ports import Clock, Delivered, Undelivered

CLOUD_EVENT_TYPE = "application/cloudevents+json; charset=utf-8"
PLAIN_TYPE = "application/json"


async def notify(letter: Letter, post: Post, clock: Clock) -> Delivered | Undelivered:
    """One event."""
    if not letter.address:
        return Undelivered("the Secret has no `address`", lasting=True)
    template = letter.spec.template.body if letter.spec.template is not None else None
    if template is None:
        body, content_type = json.dumps(render(letter), ensure_ascii=False).encode(errors="replace"), CLOUD_EVENT_TYPE
    else:
        body, content_type = letter.filled(template, in_json).encode(errors="replace"), PLAIN_TYPE
        if not _is_json(body):
            return Undelivered("spec.template.body is no JSON document", lasting=True)
    known_as = letter.notification.id
    headers = {**letter.to.headers, "Content-Type": content_type, "Idempotency-Key": known_as}
    if letter.to.signing_key is not None:
        headers |= signature_headers(letter.to.signing_key, message_id=known_as, at=clock.now(), body=body)
    attempt = await post(letter.address, body, headers, letter)
    if isinstance(attempt, Silent) and attempt.lasting:
        return Undelivered(attempt.reason, lasting=True)
    return told_by_status(attempt, letter)


def render(letter: Letter) -> dict[str, Any]:
    """The event."""
    told = letter.notification
    data = {
        **letter.values(),
        "title": letter.title,
        "message": letter.text,
        "links": [{"title": link.title, "url": link.url} for link in letter.links],
    }
    return {
        "specversion": "1.0",
        "id": told.id,
        "source": CANARIES.path(namespace=told.namespace, name=told.name),
        "type": f"{'.'.join(reversed(GROUP.split('.')))}.canary.{told.reason}",
        "subject": told.revision or told.name,
        "time": told.at.isoformat(),
        "datacontenttype": "application/json",
        "data": {name: value for name, value in data.items() if value},
    }


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True
