"""Pods whose requests are known one by one, and what is scraped of their counters: the truth beside the samples.

Everything that befalls counters befalls these: labels that come up late, pods that come up late, restart or go,
scrapes that are missed, come late, or are made twice by a pair of scrapers whose clocks differ a little.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from rollouts.core.counting import Scraped, Series
from tests.promql.evaluate import Past

SCRAPE_S = 15.0
NAME = "istio_requests_total"
Key = tuple[str, str]
"""Pod and response code."""


@dataclass(slots=True)
class Pod:
    """One process after the other under one name."""

    name: str
    born_s: float
    gone_s: float
    counters: Counter[str] = field(default_factory=Counter)
    """By response code, of the process that runs."""
    scraped: Counter[str] = field(default_factory=Counter)
    """What was scraped of it last."""
    before: Counter[str] = field(default_factory=Counter)
    """What was scraped last of all processes before it."""
    old: Counter[str] = field(default_factory=Counter)
    """What was scraped last of the newest of those that had the code."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One scrape of one series; in the answer of a query only from `seen_s` on."""

    labels: tuple[tuple[str, str], ...]
    at_s: float
    seen_s: float
    value: float


@dataclass(frozen=True, slots=True)
class Truth:
    """How many requests of a pod and code had been scraped ever, at one of their scrapes."""

    key: Key
    at_s: float
    seen_s: float
    count: int


@dataclass(slots=True)
class Fleet:
    """The pods of one workload under `rps` requests a second, of which `bad` fail. Requests end at `until_s`."""

    random: Random
    rps: float
    bad: float = 0.02
    pods: int = 3
    until_s: float = 900.0
    restarts: float = 0.01
    """Of each pod, for each scrape; it serves again before the next one."""
    goes: float = 0.3
    """How many pods go in the second half, for good."""
    misses: float = 0.03
    late: float = 0.1
    twins: bool = False
    """Whether a second scraper reads the same pods; the first one dies in the middle."""
    samples: list[Sample] = field(default_factory=list)
    truths: list[Truth] = field(default_factory=list)
    requests: Counter[Key] = field(default_factory=Counter)
    """All that there were, scraped or not."""
    unseen: Counter[Key] = field(default_factory=Counter)
    """Of processes whose successor had passed their count by its first scrape: nobody can tell these apart."""

    def play(self) -> Fleet:
        """All of it."""
        for number in range(self.pods):
            half_s = self.until_s / 2
            born_s = 0.0 if number == 0 else self.random.choice([0.0, self.random.uniform(0, half_s)])
            goes = number > 0 and self.random.random() < self.goes
            self._play(Pod(f"pod-{number}", born_s, self.random.uniform(half_s, self.until_s) if goes else 9e9))
        return self

    def series(self, at_s: float, look_back_s: float) -> tuple[Series, ...]:
        """What a range selector gives then."""
        found: dict[tuple[tuple[str, str], ...], list[Scraped]] = {}
        for sample in self.samples:
            if at_s - look_back_s < sample.at_s <= at_s and sample.seen_s <= at_s:
                found.setdefault(sample.labels, []).append(Scraped(sample.at_s, sample.value))
        return tuple(Series(frozenset(labels), tuple(samples)) for labels, samples in found.items())

    def known(self, at_s: float) -> dict[Key, int]:
        """The truth then: of each pod and code up to its last scrape that can be seen."""
        return {truth.key: truth.count for truth in self.truths if truth.seen_s <= at_s}

    def past(self) -> Past:
        """The samples for the small Prometheus."""
        past = Past()
        for sample in self.samples:
            labels = frozenset({("__name__", NAME), *sample.labels})
            past.series.setdefault(labels, []).append((round(sample.at_s * 1000), sample.value))
        return past

    def _play(self, pod: Pod) -> None:
        served_to_s, seen_s = pod.born_s, 0.0
        offset_s, count = self.random.uniform(0, SCRAPE_S), int(self.until_s / SCRAPE_S) + 3
        for scrape_s in (offset_s + SCRAPE_S * index for index in range(count)):
            if scrape_s < pod.born_s or scrape_s > pod.gone_s:
                continue
            self._serve(pod, max(0.0, min(scrape_s, self.until_s) - served_to_s))
            served_to_s = scrape_s
            # What comes late does not come after what was scraped later.
            late_s = self.random.uniform(0, 10) if self.random.random() < self.late else 0.0
            seen_s = max(seen_s, scrape_s + late_s)
            if scrape_s > self.until_s or self.random.random() > self.misses:
                self._scrape(pod, scrape_s, seen_s)
            if self.random.random() < self.restarts and scrape_s < self.until_s:
                self._restart(pod)

    def _serve(self, pod: Pod, seconds: float) -> None:
        elapsed_s, rate = self.random.expovariate(self.rps / self.pods), self.rps / self.pods
        while elapsed_s < seconds:
            code = self.random.choice(["500", "503"]) if self.random.random() < self.bad else "200"
            pod.counters[code] += 1
            self.requests[pod.name, code] += 1
            elapsed_s += self.random.expovariate(rate)

    def _scrape(self, pod: Pod, at_s: float, seen_s: float) -> None:
        for code, count in pod.counters.items():
            key = pod.name, code
            if not (self.twins and at_s > self.until_s / 2):
                self._add(key, at_s, seen_s, count, "a")
            if self.twins:
                # It read the same a moment before, and its clock is ahead by more than that.
                self._add(key, at_s + self.random.uniform(0.001, 0.05), seen_s + 0.05, pod.scraped[code], "b")
                self._add(key, at_s + SCRAPE_S / 2, seen_s + SCRAPE_S / 2, count, "b")
            if code not in pod.scraped and 0 < pod.old[code] <= count:
                self.unseen[key] += pod.old[code]
            pod.scraped[code] = count
            self.truths.append(Truth(key, at_s, seen_s, pod.before[code] + count - self.unseen[key]))

    def _add(self, key: Key, at_s: float, seen_s: float, count: int, scraper: str) -> None:
        labels = (("pod", key[0]), ("instance", f"10.0.0.1:{scraper}"), ("prometheus_replica", scraper),
                  ("response_code", key[1]), ("destination_workload", "app"))  # fmt: skip
        self.samples.append(Sample(labels, at_s, seen_s, float(count)))

    def _restart(self, pod: Pod) -> None:
        pod.before.update(pod.scraped)
        pod.old.update({code: count - pod.old[code] for code, count in pod.scraped.items()})
        pod.counters, pod.scraped = Counter(), Counter()
