"""What the engine relies on in every metric source, whatever stands behind it."""

from __future__ import annotations

import asyncio
import time

import pytest

from rollouts.core.measurement import NoData, Rejected, Unreachable, Value
from tests.contract.metric_sources import AT, FACTORIES, REMOTE, Factory, Situation

LONGEST_S = 4.0


@pytest.fixture(params=[*FACTORIES.values()], ids=[*FACTORIES])
def factory(request: pytest.FixtureRequest) -> Factory:
    """Each source in turn."""
    made: Factory = request.param
    return made


@pytest.fixture(params=[*REMOTE.values()], ids=[*REMOTE])
def remote(request: pytest.FixtureRequest) -> Factory:
    """Each source that is asked over a network."""
    made: Factory = request.param
    return made


async def test_a_value_is_a_finite_number(factory: Factory) -> None:
    """The one value of the query, and the same one when the same question is asked again."""
    async with factory(Situation.VALUE) as arranged:
        assert await arranged.source.measure(arranged.query, AT) == Value(42.0)
        assert await arranged.source.measure(arranged.query, AT) == Value(42.0)


async def test_nothing_to_judge_is_no_data(factory: Factory) -> None:
    """It is neither a number nor an error."""
    async with factory(Situation.NOTHING) as arranged:
        assert await arranged.source.measure(arranged.query, AT) == NoData()


async def test_a_refusal_is_a_value_with_a_short_reason(factory: Factory) -> None:
    """Nothing is raised, the answer comes in bounded time, and the reason fits into a status."""
    await _fails(factory, Situation.REFUSING, Rejected)


async def test_what_is_no_number_is_no_data(remote: Factory) -> None:
    """0/0 says that there was nothing to measure."""
    async with remote(Situation.NAN) as arranged:
        assert await arranged.source.measure(arranged.query, AT) == NoData()


@pytest.mark.parametrize(
    "situation",
    [Situation.INFINITE, Situation.SEVERAL, Situation.LOCKED],
    ids=["infinite", "several", "locked"],
)
async def test_what_asking_again_does_not_mend_is_a_refusal(remote: Factory, situation: Situation) -> None:
    """Somebody has to change the query, or the credentials, first."""
    await _fails(remote, situation, Rejected)


@pytest.mark.parametrize(
    "situation",
    [Situation.SILENT, Situation.GONE, Situation.HALF, Situation.FAILING, Situation.LIMITED],
    ids=["silent", "gone", "half", "failing", "limited"],
)
async def test_what_may_mend_by_itself_is_unreachable(remote: Factory, situation: Situation) -> None:
    """Half an answer too: it is never taken for a whole one."""
    await _fails(remote, situation, Unreachable)


async def test_who_asks_to_be_left_alone_is_left_alone(remote: Factory) -> None:
    """Within the time of Retry-After no further request goes there; each question is answered at once."""
    async with remote(Situation.LIMITED) as arranged:
        await arranged.source.measure(arranged.query, AT)
        assert arranged.requests() == 1
        started = time.monotonic()
        instants = [AT.replace(second=second) for second in range(20)]
        for outcome in [await arranged.source.measure(arranged.query, at) for at in instants]:
            assert isinstance(outcome, Unreachable)
            assert "429" in outcome.reason
        assert time.monotonic() - started < 0.5
        assert arranged.requests() == 1


async def test_a_failed_question_is_not_sent_again_by_itself(remote: Factory) -> None:
    """When to ask again is the engine's decision."""
    async with remote(Situation.FAILING) as arranged:
        await arranged.source.measure(arranged.query, AT)
        assert arranged.requests() == 1


async def test_the_same_question_at_a_time_is_sent_once(remote: Factory) -> None:
    """However many ask it."""
    async with remote(Situation.VALUE) as arranged:
        outcomes = await asyncio.gather(*(arranged.source.measure(arranged.query, AT) for _ in range(20)))
        assert outcomes == [Value(42.0)] * 20
        assert arranged.requests() == 1


async def _fails(factory: Factory, situation: Situation, kind: type[Rejected | Unreachable]) -> None:
    async with factory(situation) as arranged:
        started = time.monotonic()
        outcome = await arranged.source.measure(arranged.query, AT)
        assert time.monotonic() - started < LONGEST_S
        assert isinstance(outcome, kind)
        assert 0 < len(outcome.reason) <= 256
        assert outcome.reason.isprintable()


async def test_many_questions_at_once_are_all_answered(factory: Factory) -> None:
    """However few can be in flight."""
    async with factory(Situation.VALUE) as arranged:
        instants = [AT.replace(microsecond=1000 * index) for index in range(50)]
        outcomes = await asyncio.gather(*(arranged.source.measure(arranged.query, at) for at in instants))
    assert outcomes == [Value(42.0)] * 50


async def test_the_event_loop_is_never_held_up(remote: Factory) -> None:
    """While a silent place is waited for, others run."""
    async with remote(Situation.SILENT) as arranged:
        asked = asyncio.ensure_future(arranged.source.measure(arranged.query, AT))
        turns = 0
        while not asked.done():
            started = time.monotonic()
            await asyncio.wait({asked}, timeout=0.01)
            assert time.monotonic() - started < 0.4
            turns += 1
    assert turns > 5


async def test_a_cancelled_question_ends_at_once_and_harms_no_other(remote: Factory) -> None:
    """Cancellation reaches the one who asked, and the source can be asked on."""
    async with remote(Situation.SILENT) as arranged:
        cancelled = asyncio.ensure_future(arranged.source.measure(arranged.query, AT))
        other = asyncio.ensure_future(arranged.source.measure(arranged.query, AT))
        await asyncio.sleep(0)
        cancelled.cancel()
        started = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        assert time.monotonic() - started < 0.4
        assert isinstance(await other, Unreachable)
