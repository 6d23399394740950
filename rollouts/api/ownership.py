"""Whose an object is. What we make carries the Canary's UID, and nothing carries an ownerReference to it:

with foreground deletion the garbage collector would remove what still serves traffic.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from rollouts.api.resources import GROUP, Manifest, ObjectKey

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "rollouts"
UID_LABEL = f"{GROUP}/canary-uid"
CANARY_LABEL = f"{GROUP}/canary"
APPLIED_ANNOTATION = f"{GROUP}/applied"
"""On a routing object of ours: a digest of what stands there because the user wished it."""
APPLIED_FIELDS_ANNOTATION = f"{GROUP}/applied-fields"
"""On a VirtualService of ours: the fields of the Canary's `service` that were put on its rules, as JSON."""
REVISION_ANNOTATION = f"{GROUP}/revision"
ORIGINAL_SELECTOR_ANNOTATION = f"{GROUP}/original-selector"
TRACKING_ANNOTATION = f"{GROUP}/config-tracking"
"""On a ConfigMap or Secret of the user: `disabled` leaves it alone."""
COPY_OF_ANNOTATION = f"{GROUP}/copy-of"
"""On a copy of ours: the name of the object that it was copied from."""
CONFIG_COPIES_ANNOTATION = f"{GROUP}/config-copies"
"""On the primary: all copies of configuration that may exist for it, as `ConfigMap/name` or `Secret/name`."""
RESTORE_FINALIZER = f"{GROUP}/restore"
"""Holds a deleted Canary until its target serves by itself."""
ACCOUNT_FINALIZER = f"{GROUP}/canaries-first"
"""Holds the controller's own account and rights, if all is deleted at once, until no Canary is held any more."""
ON_TARGET_GONE_ANNOTATION = f"{GROUP}/on-target-gone"
"""On a Canary, `remove`: if its target is gone when it is deleted, what was made for it goes too, though it serves."""

_LABEL_VALUE_MAX = 63


@dataclass(frozen=True, slots=True)
class Owner:
    """The Canary that objects are made for."""

    namespace: str
    name: str
    uid: str

    @classmethod
    def of(cls, canary: Manifest) -> Owner:
        """The owner that a stored Canary is."""
        metadata = canary["metadata"]
        return cls(metadata["namespace"], metadata["name"], metadata["uid"])

    @property
    def key(self) -> ObjectKey:
        """The Canary's own key."""
        return ObjectKey(self.namespace, self.name)

    def labels(self) -> dict[str, str]:
        """The labels of every object that we make for this Canary."""
        return {MANAGED_BY_LABEL: MANAGED_BY, CANARY_LABEL: _label_value(self.name), UID_LABEL: self.uid}

    def owns(self, manifest: Manifest) -> bool:
        """Whether we made that object for this Canary, or for an earlier one of its name that was deleted.

        The UID says which Canary made it last; a Canary that is applied again takes its objects up again.
        """
        labels = manifest["metadata"].get("labels", {})
        ours = self.labels()
        return all(labels.get(key) == ours[key] for key in (MANAGED_BY_LABEL, CANARY_LABEL))


def original_routes_annotation(owner: Owner) -> str:
    """The annotation on a user's routing object that says what its weights were."""
    return f"original.{GROUP}/{_label_value(owner.name)}"


def _label_value(name: str) -> str:
    """The name, one too long for a label shortened by a hash: two that begin alike are two owners."""
    if len(name) <= _LABEL_VALUE_MAX:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: _LABEL_VALUE_MAX - len(digest) - 1].rstrip('-.')}-{digest}"
