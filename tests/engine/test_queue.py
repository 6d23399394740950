from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rollouts.api.resources import ObjectKey
from rollouts.engine.queue import LEFT_OVERS_MIN, KeyQueue
from rollouts.testing.virtual_time import START, VirtualClock, run_virtually

KEYS = [ObjectKey("shop", name) for name in "abc"]
A, B, C = KEYS


def seconds(amount: float) -> datetime:
    """That long after the start."""
    return START + timedelta(seconds=amount)


async def taken_within(queue: KeyQueue, limit_s: float) -> ObjectKey | None:
    """The next key, or None if there is none in that time."""
    try:
        async with asyncio.timeout(limit_s), queue.take() as key:
            return key
    except TimeoutError:
        return None


def test_a_key_is_handed_out_once() -> None:
    """Added twice, held once: then nothing is due any more."""
    clock = VirtualClock()
    queue = KeyQueue(clock)

    async def story() -> None:
        queue.add(A)
        queue.add(A)
        assert len(queue) == 1
        assert [await taken_within(queue, 10), await taken_within(queue, 10)] == [A, None]

    run_virtually(clock, story())


def test_what_was_heard_before_a_look_is_no_reason_for_another() -> None:
    """Only of a key that is held, and only what is due; what comes after the look is handed out again."""
    clock = VirtualClock()
    queue = KeyQueue(clock)

    async def story() -> None:
        queue.add(A)
        queue.seen(A)  # nobody has it
        async with queue.take() as key:
            queue.add(key)
            queue.seen(key)
        assert await taken_within(queue, 10) is None
        queue.add(A)
        async with queue.take() as key:
            queue.seen(key)
            queue.add(key)
        assert await taken_within(queue, 0) == A
        queue.add(A)
        async with queue.take() as key:
            queue.add(key, seconds(40))
            queue.seen(key)
        assert await taken_within(queue, 100) == A
        assert clock.elapsed_s == pytest.approx(40.0)

    run_virtually(clock, story())


@pytest.mark.parametrize("order", [(30.0, 5.0), (5.0, 30.0)], ids=["later first", "earlier first"])
def test_of_two_times_the_earlier_counts(order: tuple[float, float]) -> None:
    """In whichever order they come."""
    clock = VirtualClock()
    queue = KeyQueue(clock)

    async def story() -> None:
        for amount in order:
            queue.add(A, seconds(amount))
        assert await taken_within(queue, 100) == A
        assert clock.elapsed_s == pytest.approx(5.0)
        assert await taken_within(queue, 100) is None

    run_virtually(clock, story())


def test_depth_and_wait_can_be_told() -> None:
    """What is due and waits, apart from what is due later; and how long what is taken had been due."""
    clock, waits = VirtualClock(), list[float]()
    queue = KeyQueue(clock, waits.append)

    async def story() -> None:
        queue.add(A)
        queue.add(B, seconds(60))
        assert (queue.due(), queue.later()) == (1, 1)
        await clock.sleep(2.0)
        assert await taken_within(queue, 1) == A
        assert (queue.due(), queue.later()) == (0, 1)
        assert await taken_within(queue, 100) == B

    run_virtually(clock, story())
    assert waits == [pytest.approx(2.0), pytest.approx(0.0)]


def test_what_is_left_over_is_swept_out() -> None:
    """A key that is due in a day and changes all the time leaves no trace of each change; it is due in a day still."""
    clock = VirtualClock()
    queue = KeyQueue(clock)

    async def story() -> None:
        for _ in range(1000):
            queue.add(B, seconds(50_000))
            queue.add(A)
            queue.add(A, seconds(86_400))
            assert await taken_within(queue, 0) == A
            queue.add(A, seconds(86_400))
        assert len(queue._order) <= LEFT_OVERS_MIN + 2 * len(queue)
        assert [await taken_within(queue, 1e6), await taken_within(queue, 1e6)] == [B, A]

    run_virtually(clock, story())


def test_a_waiting_worker_hears_of_an_earlier_key() -> None:
    """Who sleeps until noon is woken by what is due now."""
    clock = VirtualClock()
    queue = KeyQueue(clock)

    async def story() -> None:
        queue.add(A, seconds(3600))
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(taken_within(queue, 7200))
            await asyncio.sleep(10)
            queue.add(B)
            assert await waiting == B
        assert clock.elapsed_s == pytest.approx(10.0)

    run_virtually(clock, story())


def test_a_key_added_while_held_comes_afterwards() -> None:
    """No second worker gets it meanwhile, and it is not lost."""
    clock = VirtualClock()
    queue = KeyQueue(clock)

    async def story() -> None:
        queue.add(A)
        async with queue.take() as key:
            assert key == A
            queue.add(A)
            assert await taken_within(queue, 60) is None
        assert await taken_within(queue, 1) == A

    run_virtually(clock, story())


def test_a_worker_that_fails_lets_its_key_go() -> None:
    """Whatever is raised in the body, the key can be handed out again."""
    clock = VirtualClock()
    queue = KeyQueue(clock)

    async def story() -> None:
        queue.add(A)
        with pytest.raises(ValueError, match="broken"):
            async with queue.take():
                raise ValueError("broken")
        queue.add(A)
        assert await taken_within(queue, 1) == A

    run_virtually(clock, story())


def test_a_worker_that_is_cancelled_takes_nothing_along() -> None:
    """What comes while it waits is for the next one."""
    clock = VirtualClock()
    queue = KeyQueue(clock)

    async def story() -> None:
        assert await taken_within(queue, 5) is None
        queue.add(A)
        assert await taken_within(queue, 5) == A

    run_virtually(clock, story())


def test_many_workers_share_many_keys() -> None:
    """Each key is worked on by one at a time, each as often as it was due, and all are busy at once."""
    clock = VirtualClock()
    queue = KeyQueue(clock)
    held: set[ObjectKey] = set()
    most = 0
    done: list[ObjectKey] = []

    async def work() -> None:
        nonlocal most
        while True:
            async with queue.take() as key:
                assert key not in held
                held.add(key)
                most = max(most, len(held))
                await asyncio.sleep(1)
                held.discard(key)
                done.append(key)

    async def story() -> None:
        async with asyncio.TaskGroup() as tasks:
            workers = [tasks.create_task(work()) for _ in range(4)]
            for round_s in range(5):
                for key in KEYS:
                    queue.add(key, seconds(round_s * 10))
                await asyncio.sleep(10)
            for worker in workers:
                worker.cancel()

    run_virtually(clock, story())
    assert sorted(done) == sorted(KEYS * 5)
    assert most == len(KEYS)


class Model(RuleBasedStateMachine):
    """The queue against a map of due times and a set of held keys."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = VirtualClock()
        self.queue = KeyQueue(self.clock)
        self.due: dict[ObjectKey, datetime] = {}
        self.held: dict[ObjectKey, AbstractAsyncContextManager[ObjectKey]] = {}
        self.runner = asyncio.Runner()

    def teardown(self) -> None:
        self.runner.close()

    @rule(key=st.sampled_from(KEYS), in_s=st.one_of(st.none(), st.integers(-5, 30)))
    def add(self, key: ObjectKey, in_s: int | None) -> None:
        at = self.clock.now() + timedelta(seconds=in_s or 0)
        self.queue.add(key, None if in_s is None else at)
        self.due[key] = min(self.due.get(key, at), at)

    @rule(amount=st.integers(1, 40))
    def time_passes(self, amount: int) -> None:
        self.clock.advance(amount)

    @rule()
    def take(self) -> None:
        free = {key: at for key, at in self.due.items() if key not in self.held and at <= self.clock.now()}
        taking = self.queue.take()
        got = self.runner.run(self._enter(taking))
        if not free:
            assert got is None
            return
        assert got is not None
        assert free[got] == min(free.values())
        del self.due[got]
        self.held[got] = taking

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.held)))
        self.runner.run(self._leave(self.held.pop(key)))

    @invariant()
    def it_counts_what_waits(self) -> None:
        assert len(self.queue) == len(self.due)

    async def _enter(self, taking: AbstractAsyncContextManager[ObjectKey]) -> ObjectKey | None:
        """What is handed out without waiting."""
        attempt = asyncio.ensure_future(taking.__aenter__())
        for _ in range(3):
            await asyncio.sleep(0)
        if attempt.done():
            return attempt.result()
        attempt.cancel()
        await asyncio.wait([attempt])
        return None

    async def _leave(self, taking: AbstractAsyncContextManager[ObjectKey]) -> None:
        await taking.__aexit__(None, None, None)


TestModel = Model.TestCase
