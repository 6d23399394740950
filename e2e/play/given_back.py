"""The end of a Canary: a person deletes it while clients ask, and what is expected of them and of what is left.

`delete_canary` records, `judge_given_back` judges from the record alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from e2e.lab.load import Record
from e2e.play.kubectl import attempt, get_objects, kubectl
from e2e.play.result import Result
from e2e.play.scene import Scene
from e2e.play.seen import TARGET
from e2e.play.waiting import until
from rollouts.api.ownership import CANARY_LABEL

STAYING = frozenset({f"Service {TARGET}", f"VirtualService {TARGET}"})
"""What clients use: it is never taken away."""
_KINDS = (
    "deployments", "daemonsets", "services", "horizontalpodautoscalers", "poddisruptionbudgets",
    "configmaps", "virtualservices.networking.istio.io", "destinationrules.networking.istio.io",
)  # fmt: skip
_WITHIN_S = 120.0
_TAIL_S = 5.0
"""For how long clients are watched when it is gone: the end of the primary's last pod could hurt them too."""


@dataclass(frozen=True, slots=True)
class GivenBack:
    """What was recorded from the deletion on. Times are seconds since the epoch."""

    story: str
    version: str
    """The one that the target is to serve."""
    made: frozenset[str]
    """What was there for the Canary before, as `Service app-canary`."""
    left: frozenset[str]
    """What of it is there afterwards."""
    deleted_at_s: float
    gone_at_s: float
    records: Sequence[Record]


async def delete_canary(scene: Scene, story: str, version: str) -> GivenBack:
    """Delete it, and wait until it is gone. Raises OverdueError and KubectlError."""
    made = made_for_canary(await get_objects("default", _KINDS))
    deleted_at_s = time.time()
    await kubectl("delete", "canaries.rollouts.dev", TARGET, "--wait=false")
    await until(canary_is_gone, what="the Canary's end", within_s=_WITHIN_S)
    gone_at_s = time.time()
    await asyncio.sleep(_TAIL_S)
    return GivenBack(
        story=story,
        version=version,
        made=made,
        left=made_for_canary(await get_objects("default", _KINDS)),
        deleted_at_s=deleted_at_s,
        gone_at_s=gone_at_s,
        records=scene.records(deleted_at_s),
    )


def made_for_canary(objects: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Those that carry our label, whatever Canary's."""
    return frozenset(
        f"{one['kind']} {one['metadata']['name']}"
        for one in objects
        if CANARY_LABEL in (one["metadata"].get("labels") or {})
    )


def judge_given_back(facts: GivenBack, copies: Iterable[str]) -> Iterator[Result]:
    """Every expectation of it; `copies` are the ones that must have been there before, as `Service app-canary`."""
    missing, left = sorted({*copies} - facts.made), sorted(facts.left - STAYING)
    took = f"{facts.gone_at_s - facts.deleted_at_s:.1f} s after the deletion"
    detail = f"{', '.join(left) or 'nothing'} left of {len(facts.made - STAYING)}, {took}"
    if missing:
        detail = f"{', '.join(missing)} was not there before; {detail}"
    yield Result(facts.story, f"{', '.join(sorted(copies))}: gone with all else", not (missing or left), detail)
    failed = [record for record in facts.records if record.failed]
    words = sorted({record.error or f"{record.status} of {record.workload}" for record in failed})
    detail = f"{len(failed)} of {len(facts.records)} {words or ''}".rstrip()
    yield Result(facts.story, "no request fails", bool(facts.records) and not failed, detail)
    last = {(one.workload, one.version) for one in facts.records if one.sent_at_s >= facts.gone_at_s}
    told = ", ".join(f"{workload} with version {version}" for workload, version in sorted(last)) or "nobody"
    expected = f"the target answers alone, with version {facts.version}"
    yield Result(facts.story, expected, last == {(TARGET, facts.version)}, told)


async def canary_is_gone() -> bool:
    """Whether there is none in namespace `default`; False too if the API server can't say."""
    answer = await attempt("get", "canaries.rollouts.dev", TARGET, "--ignore-not-found", "--output=name")
    return answer.code == 0 and not answer.out.strip()
