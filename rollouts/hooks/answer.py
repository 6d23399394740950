"""What one attempt to call a receiver ended in, and what that means, purely.

Reasons end in conditions and events. So they are one short line, never hold the URL beyond its host, and whatever of
the request's secret headers a receiver sends back is cut out of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from rollouts.core.measurement import Accepted, HookOutcome, Refused, Unreachable
from rollouts.ports import HookRequest
from rollouts.reach.retry_after import http_date

REASON_LIMIT = 256
"""Characters of a reason or message."""
REDACTED = "[redacted]"


@dataclass(frozen=True, slots=True)
class Answered:
    """There was an answer. `body` is its beginning."""

    status: int
    body: bytes = b""
    retry_after_s: float | None = None
    """What the receiver asked for, in seconds."""


@dataclass(frozen=True, slots=True)
class Silent:
    """There was none. `reason` holds nothing of the URL."""

    reason: str
    lasting: bool = False
    """Whether the next attempt would end in the same way."""


Attempt = Answered | Silent


def may_mend(attempt: Attempt) -> bool:
    """Whether another attempt may end better: after no answer, 429 and 5xx."""
    match attempt:
        case Silent(_, lasting):
            return not lasting
        case Answered(status):
            return status == 429 or status >= 500


def outcome_of(attempt: Attempt, request: HookRequest) -> HookOutcome:
    """What the last attempt means."""
    match attempt:
        case Silent(reason):
            return Unreachable(one_line(f"{receiver_of(request.url)}: {reason}"))
        case Answered(status, body) if 200 <= status < 300:
            return Accepted(_said(body, request))
        case Answered(status) if 300 <= status < 400:
            return Refused(f"HTTP {status}: redirects are not followed: write the url that this one leads to")
        case Answered(status, body):
            return Refused(one_line(f"HTTP {status}: {_said(body, request)}").removesuffix(":"))


def asked_pause_s(retry_after: str, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for, as a number or as a date; None if it says nothing of use."""
    asked = retry_after.strip()
    if asked.isascii() and asked.isdigit():
        return float(asked[:9])
    until = http_date(asked)
    return max(0.0, (until - now).total_seconds()) if until is not None else None


def receiver_of(url: str) -> str:
    """Scheme, host and port of a URL, and nothing of the rest."""
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        return "the receiver"
    host = f"[{host}]" if ":" in host else host
    name = f"{scheme}://{host}:{port}" if port else f"{scheme}://{host}"
    return name if host else "the receiver"


def _said(body: bytes, request: HookRequest) -> str:
    text = body.decode(errors="replace")
    for secret in sorted(_secrets(request), key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    return one_line(text)


def _secrets(request: HookRequest) -> Iterator[str]:
    """Header values, and what stands after `Bearer` and the like, as receivers quote it."""
    for value in request.headers.values():
        yield from {value, value.split()[-1]} if value.split() else ()


def one_line(text: str) -> str:
    """The text as one printable line of at most REASON_LIMIT characters."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= REASON_LIMIT else line[: REASON_LIMIT - 1] + "…"
