"""Weights as parts of a total: said anew when the spec says another total, and as people read them. Pure."""

from __future__ import annotations

from rollouts.api.status import CanaryStatus


def part_of(total: int, weight: int, parts: int) -> int:
    """So many parts of a total, to the nearest unit; neither side gets nothing that is to have something."""
    part = (2 * total * weight + parts) // (2 * parts)
    if 0 < weight < parts and total > 1:
        return min(max(part, 1), total - 1)
    return part


def in_parts_of(status: CanaryStatus, total: int) -> CanaryStatus:
    """The same share, as near as the new parts can say it."""
    if status.weight_total == total:
        return status
    weight = part_of(total, status.desired_weight, status.weight_total)
    return status.model_copy(update={"weight_total": total, "desired_weight": weight})


def in_percent(weight: int, total: int) -> str:
    """`5` of 1000 is `0.5 %`."""
    return f"{100 * weight / total:g} %"
