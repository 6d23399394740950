"""What the table says of a pod: how many containers are ready, its state in one word, and its restarts. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rollouts.api.resources import Manifest
from rollouts.embedded.ages import age_of


def ready(pod: Manifest) -> str:
    """Ready containers of all."""
    count = sum(1 for status in _statuses(pod) if status.get("ready"))
    return f"{count}/{len(pod.get('spec', {}).get('containers', []))}"


def state(pod: Manifest) -> str:
    """The phase, or better the reason why a container does not run."""
    status = pod.get("status", {})
    word = str(status.get("reason") or status.get("phase") or "Unknown")
    for container in reversed(_statuses(pod)):
        waiting, ended = (container.get("state", {}).get(name) for name in ("waiting", "terminated"))
        if waiting and waiting.get("reason"):
            word = waiting["reason"]
        elif ended:
            word = ended.get("reason") or _how_it_ended(ended)
    return "Terminating" if "deletionTimestamp" in pod["metadata"] else word


def restarts(pod: Manifest, now: datetime) -> str:
    """How often its containers were started again, and when last."""
    count = sum(int(status.get("restartCount", 0)) for status in _statuses(pod))
    ends = [status.get("lastState", {}).get("terminated", {}).get("finishedAt") for status in _statuses(pod)]
    known = [end for end in ends if end]
    return f"{count} ({age_of(max(known), now)} ago)" if count and known else str(count)


def _statuses(pod: Manifest) -> list[Manifest]:
    statuses: list[Manifest] = pod.get("status", {}).get("containerStatuses") or []
    return statuses


def _how_it_ended(ended: dict[str, Any]) -> str:
    return f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode', 0)}"
