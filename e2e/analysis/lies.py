"""The lies about the canary that a Prometheus could tell: what becomes of a true answer to a query. Pure."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from e2e.play.seen import TARGET

Json = dict[str, Any]
ABOUT_CANARY = f'destination_workload="{TARGET}"'


class Lie(StrEnum):
    """What is told."""

    NONE = "the truth"
    NAN = "NaN"
    INF = "Inf"
    DUPLICATE = "duplicate series"
    REPLICAS = "duplicate counters"
    STALE = "stale values"


def tell(lie: Lie, query: str, answer: Json, since_s: float) -> Json:
    """The answer to a query, with the lie that is told since then; rows about others stay."""
    if lie is Lie.NONE or answer.get("status") != "success" or answer["data"]["resultType"] == "scalar":
        return answer
    rows = answer["data"]["result"]
    canarys = [ABOUT_CANARY in query or row["metric"].get("destination_workload") == TARGET for row in rows]
    told = copy.deepcopy(answer)
    lied = _LIES[lie]([row for row, own in zip(told["data"]["result"], canarys, strict=True) if own], since_s)
    told["data"]["result"] = [row for row, own in zip(rows, canarys, strict=True) if not own] + lied
    return told


def _all(number: str) -> Callable[[list[Json], float], list[Json]]:
    """Each sample is that. The newest only where there are many: what was scraped before was true."""

    def changed(result: list[Json], _since_s: float) -> list[Json]:
        for row in result:
            samples = row["values"] if "values" in row else [row["value"]]
            samples[-1][1] = number
        return result

    return changed


def _replicas(result: list[Json], since_s: float) -> list[Json]:
    """As two replicas of one Prometheus have it that nobody has deduplicated: a sum of both is one all the same."""
    return _twice(result, since_s) if all("values" in row for row in result) else result


def _twice(result: list[Json], _since_s: float) -> list[Json]:
    return [
        {**row, "metric": {**row["metric"], "prometheus_replica": replica}} for row in result for replica in ("a", "b")
    ]


def _stopped(result: list[Json], since_s: float) -> list[Json]:
    """As one has it that scrapes no more."""
    rows = []
    for row in result:
        samples = [sample for sample in row.get("values", ()) if sample[0] <= since_s]
        if samples:
            rows.append({**row, "values": samples})
    return rows


_LIES: Mapping[Lie, Callable[[list[Json], float], list[Json]]] = MappingProxyType({
    Lie.NAN: _all("NaN"), Lie.INF: _all("+Inf"), Lie.DUPLICATE: _twice, Lie.STALE: _stopped,
    Lie.REPLICAS: _replicas,
})  # fmt: skip
