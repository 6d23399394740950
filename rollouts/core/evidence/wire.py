"""The state of a metric as text for the status: every number to the last bit, in at most 1 KiB.

A text that can't be read, of another version of this program or damaged, is None: the run begins to count anew.
"""

from __future__ import annotations

import binascii
import math
import struct
from base64 import b64decode, b64encode

from rollouts.core.evidence.bets import BETS
from rollouts.core.evidence.counts import Arm
from rollouts.core.evidence.dispersion import Dispersion
from rollouts.core.evidence.state import State

VERSION = "1"
_BETS = len(BETS)
_HEAD = 11
_COMPARES, _ALONE = struct.Struct(f"<{_HEAD + 4 * _BETS}d"), struct.Struct(f"<{_HEAD + _BETS}d")


def to_wire(state: State) -> str:
    """The state as text."""
    canary, primary = state.canary, state.primary
    head = (
        float(state.ticks), float(state.failed), state.step_requests,
        canary.requests, canary.bad, canary.perhaps_bad,
        primary.requests, primary.bad, primary.perhaps_bad,
        state.dispersion.relative, state.dispersion.absolute,
    )  # fmt: skip
    compares = any(state.price)
    packed = (
        _COMPARES.pack(*head, *state.absolute, *state.relative, *state.gain, *state.price)
        if compares
        else _ALONE.pack(*head, *state.absolute)
    )
    return f"{VERSION}:{b64encode(packed).decode()}"


def from_wire(text: str) -> State | None:
    """The state that `to_wire` wrote; None if this is no such text."""
    version, _, packed = text.partition(":")
    if version != VERSION:
        return None
    try:
        raw = b64decode(packed, validate=True)
        numbers = (_COMPARES if len(raw) == _COMPARES.size else _ALONE).unpack(raw)
        return _read(numbers)
    except (binascii.Error, struct.error, ValueError, OverflowError):
        return None


def _read(numbers: tuple[float, ...]) -> State:
    head, logs = numbers[:_HEAD], numbers[_HEAD:]
    if any(math.isnan(one) or one == math.inf for one in numbers) or min(head[9:]) < 1.0:
        raise ValueError("no state")
    fields = [logs[at : at + _BETS] for at in range(0, len(logs), _BETS)]
    bare = State(
        ticks=int(head[0]),
        failed=bool(head[1]),
        step_requests=head[2],
        canary=Arm(*head[3:6]),
        primary=Arm(*head[6:9]),
        dispersion=Dispersion(*head[9:11]),
        absolute=fields[0],
    )
    if len(fields) == 1:
        return bare
    return State(
        bare.ticks, bare.failed, bare.step_requests, bare.canary, bare.primary, bare.dispersion,
        *fields,
    )  # fmt: skip
