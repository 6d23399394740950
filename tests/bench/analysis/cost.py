"""What the judge costs on this machine: time for one metric and tick, and the size of its state. Row 12."""

from __future__ import annotations

import json
import time

from rollouts.core.evidence.assess import assess
from rollouts.core.evidence.counts import Arm, Limits, Settings, Tick
from rollouts.core.evidence.state import State, absorb
from rollouts.core.evidence.wire import to_wire
from tests.bench.analysis.rows import Row

_TICKS = 400
LIMIT_US, LIMIT_BYTES = 1000.0, 1024


def row() -> Row:
    """The best of some hundred ticks; the others had company on the processor."""
    limits, settings, state = Limits(0.01, compare=True), Settings(), State()
    best, size = float("inf"), 0
    for at in range(_TICKS):
        tick = Tick(Arm(150.0 + at % 7, at % 3), Arm(1350.0 + at % 11, at % 2))
        began = time.process_time()
        state = absorb(state, tick, limits, settings)
        assess(state, limits, settings)
        best, size = min(best, time.process_time() - began), max(size, len(json.dumps(to_wire(state))))
    met = best * 1e6 <= LIMIT_US and size <= LIMIT_BYTES
    required = "a metric's tick with intervals and words <= 1 ms, its state <= 1 KiB"
    return Row(
        "12", required, f"{'<=' if best * 1e6 <= LIMIT_US else '>'} 1 ms, {size} bytes", met, f"{best * 1e6:.0f} us"
    )
