"""Which request a rule of a VirtualService takes, as Istio has it.

Pure. Conditions that a simulated request has nothing to show for (labels of the caller, ports) are never met.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from rollouts.api.resources import Manifest


@dataclass(frozen=True, slots=True)
class Request:
    """One request as a proxy sees it. Names of headers are in lower case."""

    host: str = "example.test"
    path: str = "/"
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)


def takes(rule: Manifest, request: Request) -> bool:
    """Whether the rule is for this request: it has no match, or one that is met in all its conditions."""
    matches = rule.get("match") or ()
    return not matches or any(all(_met(name, told, request) for name, told in one.items()) for one in matches)


def _met(name: str, told: Any, request: Request) -> bool:
    match name:
        case "name" | "ignoreUriCase" | "gateways":
            return True
        case "uri":
            return fits(told, urlsplit(request.path).path)
        case "method":
            return fits(told, request.method)
        case "authority":
            return fits(told, request.host)
        case "headers":
            return all(fits(wanted, _header(request, key)) for key, wanted in told.items())
        case "withoutHeaders":
            return not any(fits(wanted, _header(request, key)) for key, wanted in told.items())
        case "queryParams":
            given = parse_qs(urlsplit(request.path).query, keep_blank_values=True)
            return all(any(fits(wanted, text) for text in given.get(key, ())) for key, wanted in told.items())
        case _:
            return False


def fits(wanted: Manifest, text: str | None) -> bool:
    """Whether a text is as a StringMatch wants it; an empty one wants any. An absent text fits nothing."""
    if text is None:
        return False
    match wanted:
        case {"exact": str(exact)}:
            return text == exact
        case {"prefix": str(prefix)}:
            return text.startswith(prefix)
        case {"regex": str(regex)}:
            return _whole(regex, text)
        case _:
            return not wanted


def _whole(regex: str, text: str) -> bool:
    try:
        return re.fullmatch(regex, text) is not None
    except re.error:  # RE2 knows words that Python does not
        return False


def _header(request: Request, name: str) -> str | None:
    return request.headers.get(name.lower())
