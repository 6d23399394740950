"""How hard it is tried: a few examples that are always the same in `make test`, FUZZ_EXAMPLES of them in `make fuzz`.

An example that takes more processor time than any honest input needs fails: a hang is a failure with a name. It is
counted by the processor, so that a busy machine makes no difference.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, Phase, settings

WITHIN_S = 5.0
_EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))


class TakesTooLong(AssertionError):
    """Work without a bound."""


def examples(number: int) -> Callable[[Any], Any]:
    """Settings of a test that is run with so many examples, unless it is said otherwise."""
    return settings(
        max_examples=_EXAMPLES or number,
        derandomize=not _EXAMPLES,
        database=None,
        # Made small only where somebody looks for what is wrong: that takes a hundred times as long.
        phases=[Phase.explicit, Phase.generate, *([Phase.shrink] if _EXAMPLES else [])],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@contextmanager
def bounded_work(within_s: float = WITHIN_S) -> Iterator[None]:
    """Raises TakesTooLong from within the block once it has used so much of a processor."""

    def stop(*_: object) -> None:
        raise TakesTooLong(f"more than {within_s:g} s of a processor")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, within_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
