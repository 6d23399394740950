"""What the scripted receivers do beyond the contract."""

from __future__ import annotations

from random import Random

import pytest

from rollouts.core.measurement import Accepted, Refused, Unreachable
from rollouts.ports import HookRequest
from rollouts.testing.hooks import NO, YES, ScriptedHooks
from rollouts.testing.virtual_time import VirtualClock, run_virtually

ASKED = HookRequest("http://gate.test/", {"name": "app"})


def test_the_last_word_of_a_script_stays() -> None:
    """And a new script takes its place."""

    async def ask_often() -> None:
        hooks = ScriptedHooks(VirtualClock(), Random(1))
        hooks.script(ASKED.url, NO, YES)
        assert [await hooks.call(ASKED) for _ in range(3)] == [Refused("HTTP 403: not yet"), Accepted(), Accepted()]
        hooks.script(ASKED.url, NO)
        assert await hooks.call(ASKED) == Refused("HTTP 403: not yet")
        assert hooks.received == [ASKED] * 4

    run_virtually(VirtualClock(), ask_often())


def test_an_outage_takes_virtual_time() -> None:
    """The pauses between the attempts are the clock's."""
    clock = VirtualClock()

    async def ask() -> None:
        hooks = ScriptedHooks(clock, Random(1))
        hooks.outage = True
        outcome = await hooks.call(HookRequest(ASKED.url, {}, retries=3))
        assert outcome == Unreachable("http://gate.test: no answer within 10 s")
        assert len(hooks.received) == 4

    run_virtually(clock, ask())
    assert 3.5 <= clock.elapsed_s <= 7


def test_a_url_without_a_script_is_a_defect() -> None:
    """Of the test, or of what calls."""
    clock = VirtualClock()
    with pytest.raises(KeyError, match="gate"):
        run_virtually(clock, ScriptedHooks(clock, Random(1)).call(ASKED))
