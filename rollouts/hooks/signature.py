"""Signatures by which a receiver knows that a call is ours, fresh and whole, purely.

The scheme is Standard Webhooks 1.0 (https://www.standardwebhooks.com, its specification lies in
https://github.com/standard-webhooks/standard-webhooks): HMAC-SHA256 over `id.timestamp.body`. There are libraries that
check it for most languages.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import datetime

KEY_PREFIX = b"whsec_"
"""Before a key in base64, as the specification has users write it."""


def signature_headers(key: bytes, *, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of one attempt. An id is kept through all attempts, the time is that of this one."""
    timestamp = str(int(at.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": sign(key, message_id=message_id, timestamp=timestamp, body=body),
    }


def sign(key: bytes, *, message_id: str, timestamp: str, body: bytes) -> str:
    """The signature as the header has it; `timestamp` is in whole Unix seconds."""
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return f"v1,{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}"


def read_key(stored: bytes) -> bytes | None:
    """The key from what a Secret holds: as it is, or decoded if written with KEY_PREFIX. None if that is no key."""
    if not stored.startswith(KEY_PREFIX):
        return stored or None
    try:
        return base64.b64decode(stored.removeprefix(KEY_PREFIX).strip(), validate=True) or None
    except binascii.Error:
        return None
