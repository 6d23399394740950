"""The state of a metric in as little text as the status has room for: a part of `wire`'s, and still good to 1e-9.

The logarithms are fixed-point numbers of six bytes, rounded by less than 3e-10. What lies below their range, a capital
of e^-65536, is taken as lost: it would take millions of requests to come back. Not kept are the sums for the interval
of the difference, which decide nothing; after a restart that interval is of the requests since.
"""

from __future__ import annotations

import binascii
import struct
from base64 import b64decode, b64encode
from math import inf, isfinite

from rollouts.core.evidence.bets import BETS, Logs
from rollouts.core.evidence.counts import Arm
from rollouts.core.evidence.dispersion import Dispersion
from rollouts.core.evidence.state import State

_HEAD = struct.Struct("<11d")
_WIDTH, _UNIT = 6, 2.0**-31
_LEAST: int = -(1 << (8 * _WIDTH - 1))
_MOST = -_LEAST - 1
"""In units; the least one stands for minus infinity."""


def pack(state: State) -> str:
    """The state as text."""
    canary, primary, phi = state.canary, state.primary, state.dispersion
    head = _HEAD.pack(
        float(state.ticks), float(state.failed), state.step_requests,
        canary.requests, canary.bad, canary.perhaps_bad, primary.requests, primary.bad, primary.perhaps_bad,
        phi.relative, phi.absolute,
    )  # fmt: skip
    logs = b"".join(_fixed(log).to_bytes(_WIDTH, "little", signed=True) for log in state.absolute + state.relative)
    return b64encode(head + logs).decode()


def unpack(text: str) -> State | None:
    """The state that `pack` wrote; None if this is no such text."""
    try:
        raw = b64decode(text, validate=True)
        numbers = _HEAD.unpack(raw[: _HEAD.size])
        if len(raw) != _HEAD.size + 2 * len(BETS) * _WIDTH or not all(isfinite(number) for number in numbers):
            return None
        return State(
            ticks=int(numbers[0]), failed=bool(numbers[1]), step_requests=numbers[2],
            canary=Arm(*numbers[3:6]), primary=Arm(*numbers[6:9]), dispersion=Dispersion(*numbers[9:11]),
            absolute=_logs(raw, 0), relative=_logs(raw, len(BETS)),
        )  # fmt: skip
    except (binascii.Error, struct.error, ValueError):
        return None


def _fixed(log: float) -> int:
    return _LEAST if log == -inf else max(_LEAST, min(_MOST, round(log / _UNIT)))


def _logs(raw: bytes, first: int) -> Logs:
    places = (_HEAD.size + (first + index) * _WIDTH for index in range(len(BETS)))
    fixed = (int.from_bytes(raw[at : at + _WIDTH], "little", signed=True) for at in places)
    return tuple(-inf if one == _LEAST else one * _UNIT for one in fixed)
