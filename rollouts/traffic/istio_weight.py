"""Weights of an Istio rule's destinations: shares of the rule's own sum, in whole units.

Pure. What two of them have together is divided anew; what all the others have stays.
"""

from __future__ import annotations

from typing import Any

from rollouts.api.resources import Manifest


def weight_of(route: Manifest) -> int:
    """Istio's: a share of the rule's sum. Absent, it is 0."""
    return route.get("weight") or 0


def total_of(everything: int, others: int, parts: int = 100) -> int:
    """What our two have together: others keep their share, and where there are none, each of the parts can be told."""
    if others == 0:
        return max(everything, parts)
    return everything - others or max(100 - others, 0) or 100


def weighing(route: Manifest, weight: int) -> dict[str, Any]:
    """The destination with that weight."""
    known = "weight" in route and route["weight"] is not None
    return route if known and route["weight"] == weight else {**route, "weight": weight}
