"""What the engine relies on in `ports.Hooks`: the same cases for the scripted double and over real HTTP."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from rollouts.core.measurement import Accepted, HookOutcome, Refused, Unreachable
from rollouts.hooks.answer import Answered, Silent
from rollouts.ports import HookRequest
from rollouts.reach.policy import ReachPolicy
from tests.contract.hook_receivers import FACTORIES, Arranged, Factory

SILENCE = Silent("no answer within 0.2 s")
SECRET = "hunter2-hunter2"
KEPT_OUT = ReachPolicy().refusal("receiver", "127.0.0.1")


@pytest.fixture(params=[*FACTORIES.values()], ids=[*FACTORIES])
def factory(request: pytest.FixtureRequest) -> Factory:
    """Each caller in turn."""
    made: Factory = request.param
    return made


def asking(arranged: Arranged, *, retries: int = 0) -> HookRequest:
    """A call of the receiver."""
    return HookRequest(arranged.url, {"name": "app", "metadata": {}}, timeout_s=5.0, retries=retries)


def said(outcome: HookOutcome) -> str:
    """Its text."""
    return outcome.message if isinstance(outcome, Accepted) else outcome.reason


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 299])
async def test_any_2xx_is_consent(factory: Factory, status: int) -> None:
    """Unlike with Flagger, 203 and more too."""
    async with factory(Answered(status)) as arranged:
        assert await arranged.hooks.call(asking(arranged, retries=3)) == Accepted()
        assert arranged.attempts() == 1


async def test_consent_tells_what_was_said(factory: Factory) -> None:
    """As one line."""
    async with factory(Answered(200, b"load test\r\nstarted\n")) as arranged:
        assert await arranged.hooks.call(asking(arranged)) == Accepted("load test started")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answered(400), "HTTP 400"),
        (Answered(403, b"not before noon"), "HTTP 403: not before noon"),
        (Answered(404, b"\n"), "HTTP 404"),
        (Answered(409, "Größe".encode()), "HTTP 409: Größe"),
    ],
    ids=str,
)
async def test_a_refusal_is_final(factory: Factory, answer: Answered, reason: str) -> None:
    """It says the status and what was said, and there is no second attempt."""
    async with factory(answer) as arranged:
        assert await arranged.hooks.call(asking(arranged, retries=3)) == Refused(reason)
        assert arranged.attempts() == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_a_refusal_that_says_so(factory: Factory, status: int) -> None:
    """Nobody is sent to a place that the user did not write."""
    async with factory(Answered(status, b"elsewhere")) as arranged:
        outcome = await arranged.hooks.call(asking(arranged, retries=3))
        assert isinstance(outcome, Refused)
        assert outcome.reason.startswith(f"HTTP {status}: redirects are not followed")
        assert arranged.attempts() == 1


async def test_a_receiver_may_say_when_to_come_again(factory: Factory) -> None:
    """429 with Retry-After: not earlier, and then its answer counts."""
    async with factory(Answered(429, retry_after_s=7.0), Answered(200)) as arranged:
        assert await arranged.hooks.call(asking(arranged, retries=1)) == Accepted()
        assert arranged.clock.slept_s == [7.0]


@pytest.mark.parametrize(("asked_s", "pauses_s"), [(35.0, [35.0]), (36.0, [])], ids=["granted", "too much"])
async def test_a_call_never_takes_longer_than_its_patience(
    factory: Factory, asked_s: float, pauses_s: list[float]
) -> None:
    """With one retry that is two time-outs of 5 s and 30 s; who asks for more is taken at the last word."""
    async with factory(Answered(429, b"slow down", asked_s), Answered(200)) as arranged:
        outcome = await arranged.hooks.call(asking(arranged, retries=1))
        assert outcome == (Accepted() if pauses_s else Refused("HTTP 429: slow down"))
        assert arranged.clock.slept_s == pauses_s


@pytest.mark.parametrize("retries", [0, 1, 7])
async def test_trouble_is_met_by_patience(factory: Factory, retries: int) -> None:
    """5xx is tried again as often as wanted, after pauses that grow from 1 s to 30 s and are never quite the same."""
    async with factory(*[Answered(500)] * retries, Answered(503, b"overloaded")) as arranged:
        assert await arranged.hooks.call(asking(arranged, retries=retries)) == Refused("HTTP 503: overloaded")
        assert arranged.attempts() == retries + 1
        pauses_s = arranged.clock.slept_s
        assert len(pauses_s) == retries
    for number, pause_s in enumerate(pauses_s):
        ceiling_s = min(30.0, 2.0**number)
        assert ceiling_s / 2 <= pause_s < ceiling_s


async def test_silence_and_trouble_may_mend(factory: Factory) -> None:
    """No answer, then 502, then consent."""
    async with factory(SILENCE, Answered(502), Answered(200, b"ok")) as arranged:
        request = replace(asking(arranged, retries=2), timeout_s=0.2)
        assert await arranged.hooks.call(request) == Accepted("ok")
        assert arranged.attempts() == 3


async def test_a_hook_that_hangs_is_unreachable(factory: Factory) -> None:
    """Each attempt has the time-out for itself."""
    async with factory(SILENCE, SILENCE) as arranged:
        outcome = await arranged.hooks.call(replace(asking(arranged, retries=1), timeout_s=0.2))
        assert isinstance(outcome, Unreachable)
        assert outcome.reason == f"{arranged.url.removesuffix('/path')}: no answer within 0.2 s"
        assert arranged.attempts() == 2


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize(
    "body",
    [b"x" * 1_000_000, b"\xff\xfe\x00" * 500, b"a\x1b[31m\x00\xc2\x85\xe2\x80\xaeb\n" * 100, b" " * 100_000],
    ids=["huge", "no UTF-8", "control characters", "nothing but spaces"],
)
async def test_what_is_said_fits_into_a_condition(factory: Factory, status: int, body: bytes) -> None:
    """However long and odd: at most 256 printable characters."""
    async with factory(Answered(status, body)) as arranged:
        text = said(await arranged.hooks.call(asking(arranged)))
    assert len(text) <= 256
    assert text.isprintable()


@pytest.mark.parametrize("status", [200, 403, 500])
async def test_a_receiver_that_quotes_the_secret_is_not_quoted(factory: Factory, status: int) -> None:
    """Neither the header's value nor the token in it is in an outcome or a repr, with the URL's own secrets."""
    echo = f'{{"Authorization": "Bearer {SECRET}", "token": "{SECRET}"}}'.encode()
    async with factory(Answered(status, echo)) as arranged:
        headers = {"Authorization": f"Bearer {SECRET}"}
        request = replace(asking(arranged), headers=headers, signing_key=SECRET.encode())
        outcome = await arranged.hooks.call(request)
        shown = repr(replace(request, url=f"http://user:{SECRET}@host/?token={SECRET}"))
    assert '"token": "[redacted]"' in said(outcome)
    assert SECRET not in repr(outcome) + repr(request) + shown


async def test_one_who_hangs_keeps_no_other_waiting(factory: Factory) -> None:
    """Calls run side by side, and one that is cancelled ends at once."""
    async with factory(SILENCE) as hanging, factory(Answered(200)) as quick, asyncio.TaskGroup() as tasks:
        stuck = tasks.create_task(hanging.hooks.call(replace(asking(hanging, retries=10), timeout_s=30.0)))
        assert await quick.hooks.call(asking(quick)) == Accepted()
        stuck.cancel()
    assert stuck.cancelled() or isinstance(stuck.result(), Unreachable)


async def test_a_receiver_that_may_not_be_called(factory: Factory) -> None:
    """Its gate stays closed and says why; trying again would be in vain, so it is not tried."""
    async with factory(Silent(KEPT_OUT, lasting=True)) as arranged:
        outcome = await arranged.hooks.call(asking(arranged, retries=3))

    assert isinstance(outcome, Unreachable)
    assert outcome.reason.endswith(f": {KEPT_OUT}")
    assert arranged.clock.slept_s == []
