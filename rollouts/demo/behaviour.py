"""What a simulated pod does with a request: how often it fails, how long it takes, when it is ready.

Pure. It is told by the container's environment, in the variables that the lab's workload server knows, so that a
Deployment behaves here as it does there. Latency is log-normal: a median, and a tail set by the 99th percentile.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from rollouts.api.resources import Manifest

Z_OF_99TH_PERCENTILE = 2.3263478740408408
"""A log-normal's p99 lies this many sigmas above its median, on the scale of logarithms."""
_TRUTH = {"true": True, "1": True, "false": False, "0": False, "": False}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One version's conduct. `flaw` says which variable can't be read: then no pod of it starts."""

    version: str = ""
    error_ratio: float = 0.0
    error_status: int = 500
    median_ms: float = 0.0
    sigma: float = 0.0
    startup_s: float = 0.0
    never_ready: bool = False
    flaw: str = ""

    def draw_status(self, random: Random) -> int:
        """The status of the next answer."""
        return self.error_status if random.random() < self.error_ratio else 200

    def draw_ms(self, random: Random) -> float:
        """How long the next answer takes, in milliseconds."""
        return self.median_ms * math.exp(random.gauss(0.0, self.sigma)) if self.sigma else self.median_ms

    @property
    def ready_after_s(self) -> float:
        """How long a pod takes to become ready, in seconds; infinite if it never does."""
        return math.inf if self.never_ready or self.flaw else self.startup_s


def behaviour_of(template: Manifest) -> Behaviour:
    """What pods of that template do. Variables that are taken from elsewhere (valueFrom) are a flaw: none is there."""
    env: dict[str, str] = {}
    for container in template.get("spec", {}).get("containers") or ():
        for variable in container.get("env") or ():
            if "valueFrom" in variable:
                return Behaviour(flaw=f"{variable['name']}: valueFrom is not simulated")
            env[variable["name"]] = str(variable.get("value") or "")
    try:
        return _read(env)
    except ValueError as flaw:
        return Behaviour(version=env.get("VERSION", ""), flaw=str(flaw))


def _read(env: Mapping[str, str]) -> Behaviour:
    """Raises ValueError naming the first variable that can't be read."""
    median_ms = _number(env, "LATENCY_MS", at_most=3_600_000.0)
    return Behaviour(
        version=env.get("VERSION", ""),
        error_ratio=_number(env, "ERROR_RATE", at_most=1.0),
        error_status=_status(env),
        median_ms=median_ms,
        sigma=_sigma(env, median_ms),
        startup_s=_number(env, "STARTUP_S", at_most=86_400.0),
        never_ready=_truth(env, "NEVER_READY"),
    )


def _number(env: Mapping[str, str], name: str, *, at_most: float) -> float:
    text = env.get(name, "0")
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{name} must be a number, is {text!r}") from None
    if not 0.0 <= number <= at_most:  # also turns away NaN
        raise ValueError(f"{name} must lie between 0 and {at_most:g}, is {text!r}")
    return number


def _status(env: Mapping[str, str]) -> int:
    text = env.get("ERROR_STATUS", "500")
    if not (text.isascii() and text.isdigit() and 400 <= int(text) <= 599):
        raise ValueError(f"ERROR_STATUS must be a status from 400 to 599, is {text!r}")
    return int(text)


def _sigma(env: Mapping[str, str], median_ms: float) -> float:
    if "LATENCY_P99_MS" not in env:
        return 0.0
    p99_ms = _number(env, "LATENCY_P99_MS", at_most=3_600_000.0)
    if median_ms == 0.0 or p99_ms < median_ms:
        raise ValueError(f"LATENCY_P99_MS must not lie below LATENCY_MS, the median, and that above 0: is {p99_ms:g}")
    return math.log(p99_ms / median_ms) / Z_OF_99TH_PERCENTILE


def _truth(env: Mapping[str, str], name: str) -> bool:
    text = env.get(name, "").lower()
    if text not in _TRUTH:
        raise ValueError(f"{name} must be true or false, is {text!r}")
    return _TRUTH[text]
