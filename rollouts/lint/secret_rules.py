"""Secrets that our kinds name: one that is in the files must have the key, and one that is not is told as such."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rollouts.api.resources import SECRETS, ObjectKey
from rollouts.lint.files import Files
from rollouts.lint.finding import Finding, Level
from rollouts.lint.item import Item

_REFS = frozenset({"secretKeyRef", "secretRef"})


def check_secrets(files: Files, item: Item) -> Iterator[Finding]:
    """All Secrets that one object of ours names."""
    for field, ref in _refs(item.manifest.get("spec"), "spec"):
        name, key = ref.get("name"), ref.get("key")
        if not isinstance(name, str) or not name:
            continue
        place = ObjectKey(item.key.namespace, name)
        known = files.read(SECRETS, place)
        if known is None:
            said = f"Secret {place} is not in the files: create it, if the cluster does not have it"
            yield item.finding(Level.INFO, "SecretNotFound", said, field)
            continue
        keys = sorted({*(known.get("data") or {}), *(known.get("stringData") or {})})
        if isinstance(key, str) and key not in keys:
            said = f"Secret {place} has no key {key} (it has {', '.join(keys) or 'none'}): add it, or correct the key"
            yield item.finding(Level.ERROR, "SecretKeyNotFound", said, f"{field}.key")


def _refs(value: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        for name, below in value.items():
            if name in _REFS and isinstance(below, dict):
                yield f"{path}.{name}", below
            else:
                yield from _refs(below, f"{path}.{name}")
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _refs(below, f"{path}[{index}]")
