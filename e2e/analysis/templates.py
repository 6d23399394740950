"""The templates that are shipped, all applied: each is looked at on the real Prometheus, and told to be right."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator

from e2e.analysis.runs import Play
from e2e.lab.layout import CHECKOUT
from e2e.play.kubectl import kubectl
from e2e.play.result import Json, Result
from e2e.play.waiting import until

_FILES = CHECKOUT / "analysis-templates"
_TOLD_WITHIN_S = 60.0
_RIGHT = frozenset({"Accepted", "ArgumentsNeeded"})
"""What is told of a query that is right; of some only a Canary can say whether it is."""


async def templates(play: Play) -> bool:
    """Apply them, wait until something is told of each, and take them away."""
    began_at_s, names = time.time(), [f"--filename={file}" for file in sorted(_FILES.glob("*.yaml"))]
    await kubectl("apply", *names)

    async def all_told() -> bool:
        return all(_conditions(one) for one in await _stored())

    await until(all_told, what="a condition of each template", within_s=_TOLD_WITHIN_S)
    play.results.extend(judge(await _stored(), len(names), time.time() - began_at_s))
    await kubectl("delete", *names)
    return True


def judge(stored: Iterable[Json], count: int, took_s: float) -> Iterator[Result]:
    """Whether as many are there as were applied, and of each it is told that its query is right, as far as can be."""
    told = {one["metadata"]["name"]: _conditions(one) for one in stored}
    wrong = [
        f"{name}: {one['type']}={one['status']}, {one['reason']}: {one['message']}"
        for name, conditions in told.items() for one in conditions if one["reason"] not in _RIGHT
    ]  # fmt: skip
    right = len(told) == count and all(told.values()) and not wrong
    yield Result("templates", f"all {count} are taken", ok=right, detail="; ".join(wrong) or f"after {took_s:.1f} s")


async def _stored() -> list[Json]:
    items: list[Json] = json.loads(await kubectl("get", "analysistemplates", "--output=json"))["items"]
    return items


def _conditions(template: Json) -> list[Json]:
    return (template.get("status") or {}).get("conditions") or []
