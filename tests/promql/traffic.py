"""A past of Istio's counters for many workloads, with all that befalls them: births, restarts, gaps, silence."""

from __future__ import annotations

from random import Random

from tests.promql.evaluate import Labels, Past, Points

BOUNDS = ("25", "100", "1000", "+Inf")
SCRAPE_MS = 5_000


def istio_past(names: list[tuple[str, str]], random: Random, *, until_ms: int, minutes: int = 3) -> Past:
    """What pods and callers of these workloads (namespace, name) counted; each as it happens to be.

    Some were never called, some only lately, some have one code alone, or a scrape missing. Service `NAME-canary` has
    lost requests of some.
    """
    past = Past()
    for namespace, name in names:
        workload = {"destination_workload_namespace": namespace, "destination_workload": name}
        service = {"destination_service_namespace": namespace, "destination_service_name": f"{name}-canary"}
        kinds = ["destination", "source", "unknown"]
        for kind in kinds:
            if random.random() < 0.15:
                continue
            of = workload | {"destination_workload": "unknown"} | service if kind == "unknown" else workload | service
            reporter = "destination" if kind == "destination" else "source"
            for pod in range(random.randint(1, 3)):
                _pod(past, of | {"reporter": reporter, "pod": f"{name}-{pod}"}, random, (until_ms, minutes), kind)
    return past


def _pod(past: Past, labels: dict[str, str], random: Random, span: tuple[int, int], kind: str) -> None:
    until_ms, minutes = span
    jitter_ms = random.randrange(SCRAPE_MS)
    instants = [until_ms - jitter_ms - step * SCRAPE_MS for step in range(minutes * 60_000 // SCRAPE_MS)][::-1]
    codes = {"unknown": ["503", "500"], "destination": ["200", "404", "500"], "source": ["200", "503"]}[kind]
    for code in codes:
        if random.random() < 0.3:
            continue
        flags = random.choice(["-", "UF", "DI", "URX,UO"]) if kind != "destination" else "-"
        series = labels | {"response_code": code, "response_flags": flags}
        past.series[_labels("istio_requests_total", series)] = points = _counter(instants, random)
        if kind == "unknown":
            continue
        shares = sorted(random.random() for _ in BOUNDS[:-1])
        for bound, share in zip(BOUNDS, [*shares, 1.0], strict=True):
            bucket = [(at, float(int(value * share))) for at, value in points]
            past.series[_labels("istio_request_duration_milliseconds_bucket", series | {"le": bound})] = bucket


def _counter(instants: list[int], random: Random) -> Points:
    value, born = float(random.choice([0, 0, 17, 1000])), random.choice([0, 0, 0, len(instants) - 4, len(instants) - 1])
    a_second = random.choice([0, 0.2, 3, 40])
    points: Points = []
    for index, at in enumerate(instants):
        value = 0.0 if random.random() < 0.01 else value + int(random.random() * 2 * a_second * SCRAPE_MS / 1000)
        if index >= born and random.random() > 0.03:
            points.append((at, value))
    return points


def _labels(name: str, labels: dict[str, str]) -> Labels:
    return frozenset({("__name__", name), *labels.items()})
