"""Weights as parts of a total: said anew when the spec says another total, and as people read them. Pure."""

from __future__ import annotations

from rollouts.api.status import CanaryStatus


def in_parts_of(status: CanaryStatus, total: int) -> CanaryStatus:
    """The same share, as near as the new parts can say it; neither side gets nothing that had something."""
    if status.weight_total == total:
        return status
    weight = (2 * status.desired_weight * total + status.weight_total) // (2 * status.weight_total)
    if 0 < status.desired_weight < status.weight_total:
        weight = min(max(weight, 1), total - 1)
    return status.model_copy(update={"weight_total": total, "desired_weight": weight})


def in_percent(weight: int, total: int) -> str:
    """`5` of 1000 is `0.5 %`."""
    return f"{100 * weight / total:g} %"
