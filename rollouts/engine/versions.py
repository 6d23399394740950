"""Whole objects are applied at the version that was read: a late write, or a rival's, must not undo what came after it.

Pure.
"""

from __future__ import annotations

from rollouts.api.resources import Manifest


def at_version_of(known: Manifest | None, rendered: Manifest) -> Manifest:
    """What was rendered, to be refused if the object has changed since it was read; None has no version yet."""
    if known is None:
        return rendered
    version = known["metadata"]["resourceVersion"]
    return rendered | {"metadata": rendered["metadata"] | {"resourceVersion": version}}
