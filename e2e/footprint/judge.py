"""Whether the process stays within what its manifest asks for. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from e2e.play.result import Json, Result

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Usage:
    """What the process took while something lasted."""

    what: str
    seconds: float
    cpu_s: float
    memory_bytes: int
    """Resident at the end."""
    peak_bytes: int
    """The most that was resident since its start."""
    covered: float = 1.0
    """What part of the CPU the request is for: releases come a few at a time, and there is no limit for more."""

    @property
    def cores(self) -> float:
        """On average."""
        return self.cpu_s / self.seconds


@dataclass(frozen=True, slots=True)
class Asked:
    """What the manifest asks for."""

    cores: float
    memory_bytes: int
    limit_bytes: int


def asked_in(deployment: Mapping[str, Any]) -> Asked:
    """Of its one container, with the suffixes that it uses."""
    resources = deployment["spec"]["template"]["spec"]["containers"][0]["resources"]
    requests, limits = resources["requests"], resources["limits"]
    return Asked(
        int(requests["cpu"].removesuffix("m")) / 1000,
        int(requests["memory"].removesuffix("Mi")) * MIB,
        int(limits["memory"].removesuffix("Mi")) * MIB,
    )


def judge_usages(usages: Sequence[Usage], asked: Asked) -> Iterator[Result]:
    """The request covers what is taken, of many releases at once a part; the limit is twice the peak or more."""
    for usage in usages:
        needed = usage.cores * usage.covered
        part = "" if usage.covered == 1 else f" ({usage.covered:.0%} of {usage.cores * 1000:.0f}m)"
        cores = f"{needed * 1000:.0f}m{part} of {asked.cores * 1000:.0f}m"
        yield Result(usage.what, "the CPU that is asked for is enough", needed <= asked.cores, cores)
        memory = f"{usage.memory_bytes / MIB:.0f} MiB of {asked.memory_bytes / MIB:.0f} MiB"
        yield Result(usage.what, "so is the memory", usage.memory_bytes <= asked.memory_bytes, memory)
    peak = max(usage.peak_bytes for usage in usages)
    detail = f"at most {peak / MIB:.0f} MiB, limit {asked.limit_bytes / MIB:.0f} MiB"
    yield Result("all", "the limit is twice the peak at least", 2 * peak <= asked.limit_bytes, detail)


def usage_json(usage: Usage) -> Json:
    """All figures of one."""
    return {
        "what": usage.what,
        "seconds": round(usage.seconds, 1),
        "cpu_s": round(usage.cpu_s, 2),
        "millicores": round(usage.cores * 1000, 1),
        "memory_mib": round(usage.memory_bytes / MIB, 1),
        "peak_mib": round(usage.peak_bytes / MIB, 1),
    }


def figure_lines(figures: Sequence[Json]) -> list[str]:
    """A line for each."""
    return [
        f"{one['what']}: {one['millicores']:.1f}m CPU over {one['seconds']:.0f} s, {one['memory_mib']:.0f} MiB, "
        f"peak {one['peak_mib']:.0f} MiB"
        for one in figures
    ]
