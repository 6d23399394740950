"""What an answer says of when to ask again, and of the time, purely."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds of the Retry-After header; a date is counted from the same answer's Date, by the server's clock."""
    asked = headers.get("Retry-After", "").strip()
    if asked.isascii() and asked.isdigit():
        return float(asked[:9])
    until, now = http_date(asked), http_date(headers.get("Date", ""))
    return max(0.0, (until - now).total_seconds()) if until is not None and now is not None else None


def http_date(text: str) -> datetime | None:
    """The instant that a header names, with its zone; None if it names none."""
    try:
        found = parsedate_to_datetime(text)
        return found if found.utcoffset() is not None else None
    except (ArithmeticError, LookupError, TypeError, ValueError):  # the library lets through what its parts raise
        return None
