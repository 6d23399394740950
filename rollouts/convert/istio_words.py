"""Conditions and request rules in Istio's words, which both write: what of them ours take.

A condition that can't be said here must not simply be left out: without it, more requests would match.
"""

from __future__ import annotations

import re
from typing import Any

from rollouts.convert.ledger import Cursor, copied

_SERVICE_MAPS = ("headers", "withoutHeaders", "queryParams")
_SERVICE_TEXTS = ("uri", "scheme", "method", "authority")
_SERVICE_PLAIN = ("name", "ignoreUriCase", "sourceLabels", "sourceNamespace", "gateways", "port", "statPrefix")
_NO_CONDITION_HERE = "analysis.match has headers, queryParams, uri and sourceLabels: a condition less would match more"


def string_match(source: Cursor, *, presence: bool = False) -> dict[str, str] | None:
    """How a text is compared; None where that can't be said. `presence`: `{}` may stand for being there at all."""
    ways = source.names()
    if ways == [] and source.is_object:
        if presence:
            source.ledger.used.add(source.path)
            return {}
        source.changed("an empty condition, that it is there at all, is the regular expression .* here")
        return {"regex": ".*"}
    if len(ways) != 1:
        return None
    text = source.text(ways[0])
    if not text:
        return None
    if ways[0] == "suffix":
        source.changed("a suffix is written as a regular expression", "suffix")
        return {"regex": f".*{re.escape(text)}"}
    return {ways[0]: text} if ways[0] in {"exact", "prefix", "regex"} else None


def request_match(source: Cursor) -> dict[str, Any] | None:
    """One entry of analysis.match; None where a condition of it can't be said, which is told."""
    out: dict[str, Any] = {}
    for name in source.names():
        if name in {"headers", "queryParams"}:
            compared = {key: string_match(source.at(name, key)) for key in source.at(name).names()}
            if None in compared.values():
                source.lost(f"the whole entry: {name} compares by exact, prefix, suffix or regex, one of them")
                return None
            if compared:
                out[name] = compared
        elif name == "uri":
            out[name] = string_match(source.at("uri"))
            if out[name] is None:
                source.lost("the whole entry: uri compares by exact, prefix, suffix or regex, one of them")
                return None
        elif name == "sourceLabels":
            out[name] = source.take(name)
        else:
            source.lost(f"the whole entry, for its {name}: {_NO_CONDITION_HERE}")
            return None
    if not out:
        source.lost("the whole entry: it has no condition, and would take everything")
        return None
    return out


def service_match(source: Cursor) -> dict[str, Any] | None:
    """One entry of service.match; None where it can't be said, which is told."""
    out: dict[str, Any] = {}
    for name in source.names():
        if name in _SERVICE_MAPS:
            out[name] = {key: string_match(source.at(name, key), presence=True) for key in source.at(name).names()}
            failed = None in out[name].values()
        elif name in _SERVICE_TEXTS:
            out[name] = string_match(source.at(name))
            failed = out[name] is None
        else:
            failed = name not in _SERVICE_PLAIN
            out |= {} if failed else {name: source.take(name)}
        if failed:
            source.lost(f"the whole entry: its {name} can't be said in service.match")
            return None
    if not set(out) - {"name", "ignoreUriCase", "statPrefix"}:
        source.changed("it has no condition, and takes everything, as no entry at all does")
        return None
    return out


def cors_policy(source: Cursor) -> dict[str, Any]:
    """Cross-origin resource sharing."""
    out = copied(
        source, ("allowMethods", "allowHeaders", "exposeHeaders", "maxAge", "allowCredentials", "unmatchedPreflights")
    )
    origins = [match for one in source.items("allowOrigins") if (match := string_match(one)) is not None]
    origins += [{"exact": text} for one in source.items("allowOrigin") if (text := one.text())]
    return out | ({"allowOrigins": origins} if origins else {})


def retries(source: Cursor) -> dict[str, Any] | None:
    """When a request is tried again; None where nobody says how often."""
    if not source.has("attempts"):
        source.lost("attempts is required here: how often at most")
        return None
    return copied(
        source,
        (
            "attempts", "perTryTimeout", "retryOn", "retryRemoteLocalities", "retryIgnorePreviousHosts", "backoff",
        ),
    )  # fmt: skip


def headers(source: Cursor) -> dict[str, Any]:
    """What is done with headers on both ways."""
    out = {way: copied(source.at(way), ("set", "add", "remove")) for way in ("request", "response") if source.has(way)}
    return {way: done for way, done in out.items() if done}
