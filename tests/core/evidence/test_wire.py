"""The state as text: a restart at any tick changes nothing, and the status has room for it."""

from __future__ import annotations

import json
import random
from base64 import b64encode
from struct import pack

import pytest

from rollouts.core.evidence.counts import Arm, Limits, Settings, Tick
from rollouts.core.evidence.dispersion import Dispersion
from rollouts.core.evidence.state import State, absorb, log_against, log_for
from rollouts.core.evidence.verdict import finding_of
from rollouts.core.evidence.wire import from_wire, to_wire

CASES = [Limits(0.01, compare=True), Limits(0.001), Limits(0.05, compare=True, ratio=1.0)]


@pytest.mark.parametrize("limits", CASES, ids=["compared", "alone", "ratio of one"])
def test_a_restart_at_any_tick_gives_the_same_verdict_and_e_value(limits: Limits) -> None:
    """Forty ticks, broken off after each of them; the e-values are the same to 1e-9 at all later ones."""
    chance = random.Random(8)
    told = [
        Tick(Arm(chance.randrange(200), chance.randrange(3), chance.randrange(4)), Arm(chance.randrange(2000), 2))
        for _ in range(40)
    ]
    settings, begin = Settings(), State(dispersion=Dispersion(2.5, 1.75))
    states = [begin]
    for tick in told:
        states.append(absorb(states[-1], tick, limits, settings))
    for broken_off in range(len(states)):
        state = from_wire(to_wire(states[broken_off]))
        assert state == states[broken_off]
        for tick, expected in zip(told[broken_off:], states[broken_off + 1 :], strict=True):
            state = absorb(state, tick, limits, settings)
            assert log_against(state, limits, settings) == pytest.approx(
                log_against(expected, limits, settings), abs=1e-9
            )
            assert log_for(state, limits) == pytest.approx(log_for(expected, limits), abs=1e-9)
            assert finding_of(state, limits, settings) is finding_of(expected, limits, settings)


def test_a_state_of_ten_thousand_ticks_has_room() -> None:
    """At most 1 KiB of JSON for a metric, whatever is in it."""
    state, limits, settings = State(), CASES[0], Settings()
    for at in range(10_000):
        state = absorb(state, Tick(Arm(12345.678, 1.1 * (at % 7), 9.9), Arm(98765.4321, at % 5)), limits, settings)
    assert len(json.dumps(to_wire(state))) <= 1024
    assert len(json.dumps(to_wire(State()))) <= 400


@pytest.mark.parametrize(
    "text",
    [
        "", "1", "2:AAAA", "1:!", "1:AAAA", to_wire(State())[:-4],
        "1:" + b64encode(pack("<29d", *[float("nan")] * 29)).decode(),
        "1:" + b64encode(pack("<29d", *[float("inf")] * 29)).decode(),
        "1:" + b64encode(pack("<29d", *[0.0] * 29)).decode(),
        "1:" + b64encode(pack("<29d", *[-1.0] * 9, *[1.0] * 20)).decode(),
    ],
    ids=["empty", "no text", "other version", "no base64", "short", "cut", "nan", "inf", "no phi", "negative"],
)  # fmt: skip
def test_a_text_that_cannot_be_read_is_none(text: str) -> None:
    """The run then counts anew; nothing is raised."""
    assert from_wire(text) is None
