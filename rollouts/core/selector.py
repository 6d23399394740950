"""The one label that tells the two copies of a workload apart.

The canary is the user's own workload and keeps its labels; the copy gets the same label with another value, and the
Services select by this label alone. Pure: manifests in, a label or its absence out.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from rollouts.api.resources import Manifest

SELECTOR_LABELS = ("app", "name", "app.kubernetes.io/name")
"""The labels that are looked at, the first that fits is taken."""
_LABEL_VALUE_MAX = 63
_SUFFIX = "-primary"


@dataclass(frozen=True, slots=True)
class SelectorLabel:
    """A label that all pods of the target carry and its selector demands."""

    key: str
    value: str

    @property
    def primary_value(self) -> str:
        """The value on the copy's pods: `<value>-primary`, a long value shortened by a hash, at most 63 characters."""
        if len(self.value) + len(_SUFFIX) <= _LABEL_VALUE_MAX:
            return self.value + _SUFFIX
        digest = hashlib.sha256(self.value.encode()).hexdigest()[:8]
        kept = self.value[: _LABEL_VALUE_MAX - len(_SUFFIX) - len(digest) - 1]
        return f"{kept}-{digest}{_SUFFIX}"

    def canary(self) -> dict[str, str]:
        """Selects the canary's pods and never the copy's."""
        return {self.key: self.value}

    def primary(self) -> dict[str, str]:
        """Selects the copy's pods and never the canary's."""
        return {self.key: self.primary_value}


def selector_label(target: Manifest) -> SelectorLabel | None:
    """The label by which a workload and its copy can part; None if its selector has none that its pods carry."""
    spec = target["spec"]
    demanded = spec.get("selector", {}).get("matchLabels") or {}
    carried = spec["template"].get("metadata", {}).get("labels") or {}
    for key in SELECTOR_LABELS:
        value = demanded.get(key)
        if value and carried.get(key) == value:
            return SelectorLabel(key, value)
    return None
