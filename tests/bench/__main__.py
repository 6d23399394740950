"""What one call of `step` costs, in the situations in which it is called most, against the limit that we set ourselves.

Prints the best of many batches (the others had company on the processor) and its ratio to the limit; exit status 1 if
one is above it. Run with `make bench`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.measurement import Question, Sample
from rollouts.core.observed import Observed
from rollouts.core.step import step
from tests.core.given import EPOCH, bad, copy, good, pods, running, seen_at, spec_of, status_in

LIMIT_US = 100.0
BATCHES = 60
CALLS = 200

HOOKS = [
    {"type": "confirm-promotion", "name": "gate", "url": "http://gate/"},
    {"type": "rollback", "name": "way-back", "url": "http://gate/"},
    {"type": "event", "name": "chat", "url": "http://chat/"},
]
PLAIN = spec_of()
HOOKED = spec_of(webhooks=HOOKS)


def _answered(samples: tuple[Sample, ...]) -> Observed:
    """Ten seconds into a step, with the answers that were asked for, as the engine has them, and no others."""
    asking = seen_at(10, route_weight=10)
    asked: tuple[Question, ...] = ()
    while more := step(PLAIN, running(10), replace(asking, samples=_of(samples, asked))).asks:
        asked += more
    return replace(asking, samples=_of(samples, asked))


def _of(samples: tuple[Sample, ...], asked: tuple[Question, ...]) -> tuple[Sample, ...]:
    return tuple(sample for sample in samples if sample.probe in asked)


SITUATIONS: dict[str, tuple[CanarySpec, CanaryStatus, Observed]] = {
    "idle": (PLAIN, status_in(Phase.SUCCEEDED, drained=True), seen_at(0, target=pods("a"))),
    "a new revision": (PLAIN, status_in(Phase.SUCCEEDED), seen_at(0)),
    "in mid-dwell": (PLAIN, running(10), seen_at(5, route_weight=10)),
    "asking": (PLAIN, running(10), seen_at(10, route_weight=10)),
    "a step that passes": (PLAIN, running(10), _answered(good(10))),
    "a step that fails": (PLAIN, running(10), _answered(bad(10))),
    "the same, with hooks": (HOOKED, running(10), _answered(bad(10))),
    "waiting for the primary": (
        PLAIN, running(50, phase=Phase.PROMOTING, not_ready_since=EPOCH), seen_at(10, primary=copy("b", ready=False)),
    ),
}  # fmt: skip


def main() -> int:
    """Measure all of them."""
    print(f"step, best of {BATCHES} batches of {CALLS} calls; limit {LIMIT_US:.0f} us")
    slow = 0
    for name, (spec, status, seen) in SITUATIONS.items():
        cost_us = _cost_us(partial(step, spec, status, seen))
        slow += cost_us > LIMIT_US
        event = step(spec, status, seen).event
        print(f"  {name:24} {event:14} {cost_us:6.1f} us   {cost_us / LIMIT_US:5.2f} of the limit")
    print("above the limit: " + (str(slow) if slow else "none"))
    return 1 if slow else 0


def _cost_us(call: Callable[[], object]) -> float:
    batches = []
    for _ in range(BATCHES):
        began = time.process_time()
        for _ in range(CALLS):
            call()
        batches.append((time.process_time() - began) / CALLS * 1e6)
    return min(batches)


if __name__ == "__main__":
    sys.exit(main())
