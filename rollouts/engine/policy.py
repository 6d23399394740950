"""The policy for all Canaries: a ConfigMap `rollouts-policy` beside the controller. Pure: its manifest in, values out.

    data:
      freeze: "quarter end, ask #releases"   # or "true"; "false" or empty is none
      freezeUntil: "2026-04-02T06:00:00Z"
      freezeNamespaces: "shop payments"      # default: all
      maxConcurrent: "5"

Whoever writes it means to keep something from happening. So what can't be read holds the start of releases, and says
which key it is; a release that has begun goes on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rollouts.api.resources import POLICY_NAME, Manifest, ObjectKey
from rollouts.api.status import FIRST_YEAR, YEARS_END
from rollouts.core.holds import WAY_OUT
from rollouts.core.observed import Hold
from rollouts.engine.windows import in_words

POLICY = ObjectKey("rollouts-system", POLICY_NAME)
"""Where it is, unless the controller is told another namespace."""
_KEYS = frozenset({"freeze", "freezeUntil", "freezeNamespaces", "maxConcurrent"})
_NO, _YES = frozenset({"", "false", "no", "off"}), frozenset({"true", "yes", "on"})
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class Policy:
    """What it says."""

    key: ObjectKey
    frozen: bool = False
    why: str = ""
    until: datetime | None = None
    namespaces: frozenset[str] = frozenset()
    """Whose Canaries are frozen; empty for all."""
    max_concurrent: int | None = None
    flaws: tuple[str, ...] = ()
    """What can't be read, each with its key and the way out."""


def read_policy(key: ObjectKey, manifest: Manifest | None) -> Policy:
    """The policy as it is stored; one that is absent says nothing."""
    data = (manifest.get("data") or {}) if manifest is not None else {}
    if not data:
        return Policy(key)  # nearly everywhere, and asked at each look
    flaws = [f"{name} is no key of it: {', '.join(sorted(_KEYS))} are" for name in sorted(data.keys() - _KEYS)]
    until, namespaces = _until(data, flaws), _namespaces(data, flaws)
    text = str(data.get("freeze") or "").strip()
    # Who writes no more than until when means that it is frozen until then.
    frozen = text.lower() not in _NO or ("freeze" not in data and until is not None)
    why = "" if text.lower() in _YES | _NO else text
    return Policy(key, frozen, why, until, namespaces, _max_concurrent(data, flaws), tuple(flaws))


def hold_of_flaws(policy: Policy) -> Hold | None:
    """What holds because nobody can tell what is meant."""
    if not policy.flaws:
        return None
    return Hold("PolicyInvalid", f"ConfigMap {policy.key}: {'; '.join(policy.flaws)}; until then no release starts")


def hold_of_freeze(policy: Policy, namespace: str, now: datetime, *, steps: bool) -> Hold | None:
    """What holds because releases are frozen."""
    over = policy.until is not None and now >= policy.until
    if not policy.frozen or over or (policy.namespaces and namespace not in policy.namespaces):
        return None
    until = f" until {in_words(policy.until)}" if policy.until is not None else ""
    why = f": {policy.why[:200]}" if policy.why else ""
    what = f"releases are frozen{until} by ConfigMap {policy.key}{why}"
    return Hold("Frozen", f"{what}; {WAY_OUT}", policy.until, steps=steps)


def _until(data: Mapping[str, str], flaws: list[str]) -> datetime | None:
    text = str(data.get("freezeUntil") or "").strip()
    if not text:
        return None
    try:
        until = datetime.fromisoformat(text)
    except ValueError:
        until = None
    # A status that tells of it takes no other.
    if until is None or until.tzinfo is None or not FIRST_YEAR < until.year < YEARS_END:
        flaws.append(f"freezeUntil is {text[:40]!r}: write a time with its zone, such as 2026-04-02T06:00:00Z")
        return None
    return until


def _namespaces(data: Mapping[str, str], flaws: list[str]) -> frozenset[str]:
    names = re.split(r"[\s,]+", str(data.get("freezeNamespaces") or "").strip())
    wrong = [name for name in names if name and not _NAMESPACE.fullmatch(name)]
    if wrong:
        flaws.append(f"freezeNamespaces has {wrong[0][:63]!r}: write names, with blanks between them")
    return frozenset() if wrong else frozenset(name for name in names if name)


def _max_concurrent(data: Mapping[str, str], flaws: list[str]) -> int | None:
    text = str(data.get("maxConcurrent") or "").strip()
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        flaws.append(f"maxConcurrent is {text[:40]!r}: write a whole number from 1 on, or leave it out")
        return None
    return int(text)
