"""Links in messages that open a gate: what they say, how they are signed, and what is wrong with one. Pure.

A link speaks of one gate of one release of one Canary, for a while. It is signed with HMAC-SHA256; of several keys the
first signs and each is believed, so that one can be taken out of use when its links are over. Who has a link may use
it: it says nothing about a person. One link is one action, however often it is used.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from rollouts.api.actions import Verb
from rollouts.api.hooks import GATES, HookType

LASTS = timedelta(hours=24)
"""How long a link is good, unless it is said otherwise."""
TOKEN_MAX = 2048
KEY_MIN = 32
"""Bytes of a key."""
_VERSION = "1"
_VERBS = frozenset({Verb.APPROVE, Verb.REJECT})


class LinkFlaw(StrEnum):
    """Why a link is good for nothing."""

    FORGED = "forged"
    """Nobody who has a key has signed it, or it was cut on its way."""
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class GateFacts:
    """The gate that a link is about."""

    namespace: str
    name: str
    uid: str
    gate: HookType
    revision: str


@dataclass(frozen=True, slots=True)
class Link:
    """What a link says."""

    facts: GateFacts
    verb: Verb
    expires_at: datetime
    """UTC, in whole seconds."""


def sign_link(key: bytes, link: Link) -> str:
    """The text that stands for a link in a URL."""
    facts = [*asdict(link.facts).values(), str(link.verb), int(link.expires_at.timestamp())]
    body = json.dumps([_VERSION, *facts], separators=(",", ":")).encode()
    return f"{_coded(body)}.{_coded(_mac(key, body))}"


def read_link(keys: Sequence[bytes], text: str, now: datetime) -> Link | LinkFlaw:
    """What a text says, if one of the keys has signed it and its time is not over."""
    coded, _, mac = text.partition(".")
    body, told = _decoded(coded), _decoded(mac)
    if len(text) > TOKEN_MAX or body is None or told is None:
        return LinkFlaw.FORGED
    if not any(hmac.compare_digest(_mac(key, body), told) for key in keys):
        return LinkFlaw.FORGED
    link = _link_of(body)
    if link is None:
        return LinkFlaw.FORGED
    return link if now < link.expires_at else LinkFlaw.EXPIRED


def intent_id(text: str) -> str:
    """The id of what a link asks for: the same each time that it is used."""
    return f"link-{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:24]}"


def approval_links(
    key: bytes, external_url: str, facts: GateFacts, expires_at: datetime
) -> tuple[tuple[Verb, str], ...]:
    """The URLs for a message about a gate that waits: one that approves, one that rejects."""
    base = external_url.rstrip("/")
    links = (Link(facts, verb, expires_at.replace(microsecond=0)) for verb in (Verb.APPROVE, Verb.REJECT))
    return tuple((link.verb, f"{base}/links/{sign_link(key, link)}") for link in links)


def read_keys(text: str) -> tuple[bytes, ...]:
    """The keys of a file, one a line; the first is to sign with. Raises ValueError, which shows none of them."""
    keys = tuple(line.strip().encode() for line in text.splitlines() if line.strip() and not line.startswith("#"))
    if not keys or any(len(key) < KEY_MIN for key in keys):
        raise ValueError(f"write one key a line, each of {KEY_MIN} characters or more: openssl rand -hex 32")
    return keys


def _link_of(body: bytes) -> Link | None:
    """None for what is signed, and yet of another version than we know."""
    try:
        version, namespace, name, uid, gate, revision, verb, expires_s = json.loads(body)
        facts = GateFacts(namespace, name, uid, HookType(gate), revision)
        link = Link(facts, Verb(verb), datetime.fromtimestamp(expires_s, UTC))
    except (ValueError, TypeError, ArithmeticError, OSError, RecursionError):
        return None
    return link if version == _VERSION and facts.gate in GATES and link.verb in _VERBS else None


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.new(key, b"rollouts.dev/link/" + body, hashlib.sha256).digest()


def _coded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes | None:
    """Only what is written in the one way that we write it."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
    return raw if _coded(raw) == text else None
