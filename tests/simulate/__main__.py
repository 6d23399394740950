"""Write the golden texts of the ready signals anew."""

from __future__ import annotations

from rollouts.simulate.signal import ready_signals
from tests.simulate.test_simulate import CANARY, GOLDEN, told

GOLDEN.mkdir(exist_ok=True)
for signal in ready_signals():
    (GOLDEN / f"{signal}.txt").write_text(told(CANARY, signal=signal), encoding="utf-8")
