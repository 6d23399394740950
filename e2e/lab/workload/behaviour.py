"""What a container was told to do by its environment: how often to fail, how slowly to answer, when to be ready.

Pure: text in, a value out, and draws from a random source that the caller owns. It knows nothing of
pods or sockets.

Latency is log-normal, since real services are: a median, and a long tail set by the 99th
percentile. With a median of 20 ms and a 99th percentile of 2000 ms about 5 % of the answers take
longer than 500 ms.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

Z_OF_99TH_PERCENTILE = 2.3263478740408408
"""The standard normal's 99th percentile: the log of a log-normal's p99 lies this many sigmas above its median's."""

_PRINTABLE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_TRUTH = {"true": True, "1": True, "false": False, "0": False, "": False}


class BadVariableError(ValueError):
    """A variable of the container can't be read: the pod's author must change it; `variable` is its name."""

    def __init__(self, variable: str, problem: str) -> None:
        """Keep the variable's name apart from the sentence that says what is wrong with it."""
        super().__init__(f"{variable} {problem}")
        self.variable = variable


@dataclass(frozen=True, slots=True)
class Latency:
    """How long an answer takes: log-normal; a sigma of 0 makes it constant."""

    median_s: float = 0.0
    sigma: float = 0.0

    def draw_s(self, rng: Random) -> float:
        """One answer's delay in seconds."""
        if self.sigma == 0.0:
            return self.median_s
        return self.median_s * math.exp(rng.gauss(0.0, self.sigma))


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One container's conduct, as read from its environment."""

    version: str = ""
    error_ratio: float = 0.0
    error_status: int = 500
    latency: Latency = Latency()
    startup_s: float = 0.0
    never_ready: bool = False
    cpu_s: float = 0.001
    """CPU seconds that one request costs."""
    refuse_after_s: float | None = None
    """How long after it is ready it refuses connections, and stays Ready all the same; None if never."""
    tls_port: int = 0
    """The port on which TLS is spoken; 0 for none."""

    def draw_status(self, rng: Random) -> int:
        """The status code of the next answer."""
        if self.error_ratio > 0.0 and rng.random() < self.error_ratio:
            return self.error_status
        return 200


def read_behaviour(env: Mapping[str, str]) -> Behaviour:
    """Read a container's environment; unknown variables are left alone.

    Raises BadVariableError naming the first variable that can't be read.
    """
    return Behaviour(
        version=_printable(env, "VERSION"),
        error_ratio=_number(env, "ERROR_RATE", at_most=1.0),
        error_status=_error_status(env),
        latency=_latency(env),
        startup_s=_number(env, "STARTUP_S", at_most=86_400.0),
        never_ready=_truth(env, "NEVER_READY"),
        cpu_s=_number(env, "CPU_MS", at_most=60_000.0, default="1") / 1000,
        refuse_after_s=_number(env, "REFUSE_AFTER_S", at_most=86_400.0) if "REFUSE_AFTER_S" in env else None,
        tls_port=int(_number(env, "TLS_PORT", at_most=65_535)),
    )


def _printable(env: Mapping[str, str], name: str) -> str:
    """Text that may stand in a header as it is; empty when absent."""
    text = env.get(name, "")
    if text and not _PRINTABLE.fullmatch(text):
        raise BadVariableError(name, f"must be printable ASCII, is {text!r}")
    return text


def _number(env: Mapping[str, str], name: str, *, at_most: float, default: str = "0") -> float:
    text = env.get(name, default)
    try:
        number = float(text)
    except ValueError:
        raise BadVariableError(name, f"must be a number, is {text!r}") from None
    if not 0.0 <= number <= at_most:  # also turns away NaN
        raise BadVariableError(name, f"must lie between 0 and {at_most:g}, is {text!r}")
    return number


def _error_status(env: Mapping[str, str]) -> int:
    text = env.get("ERROR_STATUS", "500")
    if not re.fullmatch(r"[45][0-9]{2}", text):
        raise BadVariableError("ERROR_STATUS", f"must be a status from 400 to 599, is {text!r}")
    return int(text)


def _latency(env: Mapping[str, str]) -> Latency:
    median_ms = _number(env, "LATENCY_MS", at_most=3_600_000.0)
    if "LATENCY_P99_MS" not in env:
        return Latency(median_s=median_ms / 1000)
    p99_ms = _number(env, "LATENCY_P99_MS", at_most=3_600_000.0)
    if median_ms == 0.0:
        raise BadVariableError("LATENCY_P99_MS", "needs LATENCY_MS, the median, above 0")
    if p99_ms < median_ms:
        raise BadVariableError("LATENCY_P99_MS", f"must not lie below LATENCY_MS, is {p99_ms:g} < {median_ms:g}")
    return Latency(median_s=median_ms / 1000, sigma=math.log(p99_ms / median_ms) / Z_OF_99TH_PERCENTILE)


def _truth(env: Mapping[str, str], name: str) -> bool:
    text = env.get(name, "")
    if text.lower() not in _TRUTH:
        raise BadVariableError(name, f"must be true or false, is {text!r}")
    return _TRUTH[text.lower()]
