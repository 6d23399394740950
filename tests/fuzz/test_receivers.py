"""Whatever a webhook or a chat service answers: it is a consent, a refusal or silence, and tells no secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rollouts.core.measurement import Accepted, Refused, Unreachable
from rollouts.hooks.answer import REASON_LIMIT, Answered, Attempt, asked_pause_s, may_mend, outcome_of, receiver_of
from rollouts.hooks.signature import read_key
from rollouts.notify import googlechat, msteams, pagerduty, slack, webhook
from rollouts.notify.letter import Letter
from rollouts.notify.posting import told_by_status
from rollouts.ports import Delivered, HookRequest, Undelivered
from rollouts.reach.failures import explain
from rollouts.testing.virtual_time import VirtualClock
from tests.contract.notifiers import destination, notification
from tests.fuzz.effort import bounded_work, examples
from tests.fuzz.matter import SECRET, TIMES, bodies, texts

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
REQUEST = HookRequest(
    f"https://user:{SECRET}@hooks.test/{SECRET}?token={SECRET}", {}, headers={"Authorization": f"Bearer {SECRET}"}
)
ECHOES = (
    {"ok": True, "channel": "C1", "ts": "1.2"},
    {"ok": False, "error": SECRET},
    f"Bearer {SECRET}",
    {"you": [SECRET]},
)
STATUSES = st.integers(100, 999)
ANSWERS = st.builds(Answered, STATUSES, bodies(ECHOES))


@examples(150)
@given(attempt=ANSWERS)
def test_a_hook_may_answer_anything(attempt: Answered) -> None:
    """Only 2xx is consent; what is told of it is one short line without the header that was sent."""
    with bounded_work():
        outcome = outcome_of(attempt, REQUEST)
    said = outcome.message if isinstance(outcome, Accepted) else outcome.reason
    assert isinstance(outcome, Accepted) is (200 <= attempt.status < 300)
    assert isinstance(outcome, Accepted | Refused | Unreachable)
    assert SECRET not in said
    assert len(said) <= REASON_LIMIT
    assert said.isprintable()
    assert may_mend(attempt) is (attempt.status == 429 or attempt.status >= 500)


@examples(100)
@given(asked=st.one_of(texts, st.sampled_from(TIMES), st.text("MonTueJa 0123456789:,+-GMT", max_size=40)))
def test_a_hook_may_ask_for_any_pause(asked: str) -> None:
    """Seconds from 0 on, or nothing."""
    seconds = asked_pause_s(asked, NOW)
    assert seconds is None or seconds >= 0


@examples(100)
@given(url=st.one_of(texts, st.text("htps:/[]@?#%.x0129\\", max_size=30).map(lambda rest: "http://" + rest)))
def test_a_url_is_told_by_its_host(url: str) -> None:
    """Of any text, and of none of what may be a secret in it."""
    assert receiver_of(url)
    assert SECRET not in receiver_of(f"https://a:{SECRET}@b/{url}{SECRET}")


@dataclass
class ScriptedPost:
    """Answers the same to all."""

    attempt: Attempt
    sent: list[str] = field(default_factory=list)

    async def __call__(self, url: str, body: bytes, headers: Any, letter: Letter) -> Attempt:
        self.sent.append(url)
        return self.attempt


KINDS: dict[str, tuple[Callable[..., Any], dict[str, str], dict[str, Any]]] = {
    "slack": (slack.notify, {"address": f"https://hooks.test/services/{SECRET}"}, {}),
    "slack bot": (slack.notify, {"token": SECRET}, {"channel": "#ops"}),
    "msteams": (msteams.notify, {"address": f"https://hooks.test/{SECRET}"}, {}),
    "googlechat": (googlechat.notify, {"address": f"https://hooks.test/{SECRET}?key={SECRET}"}, {}),
    "pagerduty": (pagerduty.notify, {"routingKey": SECRET}, {}),
    "webhook": (partial(webhook.notify, clock=VirtualClock()), {"address": f"https://hooks.test/{SECRET}"}, {}),
}


@examples(100)
@given(attempt=ANSWERS, kind=st.sampled_from(sorted(KINDS)), thread=st.sampled_from(["", "C1/1.2", "/", "x"]))
def test_a_service_may_answer_anything(attempt: Answered, kind: str, thread: str) -> None:
    """Only 2xx is delivered; what it sends back of its own address or token is cut out."""
    notify, secret, spec = KINDS[kind]
    to = destination(kind.partition(" ")[0], secret, **spec)
    post = ScriptedPost(attempt)
    with bounded_work():
        told = _finished(notify(Letter(to, notification(), thread), post))
    assert isinstance(told, Delivered | Undelivered)
    assert not isinstance(told, Delivered) or 200 <= attempt.status < 300 or not post.sent
    if isinstance(told, Undelivered):
        assert SECRET not in told.reason
        assert told.reason.isprintable()
    told_by_status(attempt, Letter(to, notification(), thread))


def _finished(coroutine: Any) -> Any:
    """What it returns that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as ended:
        return ended.value
    raise AssertionError("it waits")


@examples(60)
@given(stored=st.one_of(st.binary(max_size=80), st.binary(max_size=80).map(lambda rest: b"whsec_" + rest)))
def test_a_signing_key_may_be_anything(stored: bytes) -> None:
    """It is a key, or none."""
    key = read_key(stored)
    assert key is None or key


@examples(40)
@given(number=st.integers(-5, 200), text=texts)
def test_a_failure_is_told_without_the_librarys_words(number: int, text: str) -> None:
    """They may hold the URL."""
    for error in (OSError(number, text + SECRET), ValueError(text + SECRET), OSError(text + SECRET)):
        assert SECRET not in explain(error, timeout_s=1.0)


def test_found_body_nested_without_end() -> None:
    """A service that answers `[[[[…` in place of JSON: said as an answer that is none."""
    attempt = Answered(200, b"[" * 60_000)
    notify, secret, spec = KINDS["slack bot"]
    told = _finished(notify(Letter(destination("slack", secret, **spec), notification(), ""), ScriptedPost(attempt)))
    assert isinstance(told, Undelivered)
    assert json.dumps(told.reason)
