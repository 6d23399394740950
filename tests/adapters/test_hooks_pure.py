"""What of webhooks needs no network: payloads, requests from specs and Secrets, signatures, and what attempts mean."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.api.hooks import Webhook
from rollouts.core.measurement import Accepted, Refused, Unreachable
from rollouts.hooks.answer import Answered, Attempt, Silent, asked_pause_s, may_mend, outcome_of
from rollouts.hooks.failures import silence_of
from rollouts.hooks.payload import About, Announcement, event_payload, hook_payload
from rollouts.hooks.persist import patience_s
from rollouts.hooks.render import SecretData, render_request, secret_names
from rollouts.hooks.signature import read_key, sign
from rollouts.ports import HookRequest

ABOUT = About("app", "shop", "Progressing", "0123abcd")
NOON = datetime(2026, 1, 2, 12, 0, 0, 123000, tzinfo=UTC)
SECRETS: SecretData = {"hook": {"token": b"Bearer hunter2\n", "key": b"whsec_c2VjcmV0IHNlY3JldA==\n"}, "gone": None}


def hook(**more: Any) -> Webhook:
    """A hook with what the test is about."""
    return Webhook.model_validate({"name": "check", "url": "https://hooks.test/path", **more})


def header(secret: str, key: str, name: str = "Authorization") -> dict[str, Any]:
    """A header from a Secret."""
    return {"name": name, "secretKeyRef": {"name": secret, "key": key}}


def signing(secret: str, key: str) -> dict[str, Any]:
    """A signing key from a Secret."""
    return {"secretKeyRef": {"name": secret, "key": key}}


def test_the_payload_is_flaggers() -> None:
    """Five fields, and the user's metadata as it is."""
    assert hook_payload(ABOUT, {"cmd": "x"}) == {
        "name": "app",
        "namespace": "shop",
        "phase": "Progressing",
        "checksum": "0123abcd",
        "metadata": {"cmd": "x"},
    }


def test_a_delivery_that_may_come_twice_has_an_id() -> None:
    """Beside Flagger's fields."""
    assert hook_payload(ABOUT, {}, delivery_id="app-7") == {**hook_payload(ABOUT, {}), "id": "app-7"}


def test_an_event_is_told_in_metadata() -> None:
    """The user's keys stay but where they would hide what happened."""
    mine = {"team": "shop", "eventMessage": "x", "eventType": "x", "timestamp": "x"}
    payload = event_payload(ABOUT, mine, Announcement("Promoted", "Normal", NOON), delivery_id="app-8")

    assert payload["metadata"] == {
        "team": "shop",
        "eventMessage": "Promoted",
        "eventType": "Normal",
        "timestamp": "1767355200123",
    }
    assert (payload["id"], mine["eventType"]) == ("app-8", "x")


def test_a_plain_hook_needs_no_secret() -> None:
    """Its request says what the spec says."""
    plain = hook(timeout="30s", retries=2, disableTLS=True)
    request = render_request(plain, {"name": "app"}, {})

    assert secret_names(plain) == ()
    assert request == HookRequest("https://hooks.test/path", {"name": "app"}, 30.0, 2, {}, None, verify_tls=False)


def test_secrets_become_headers_and_a_key() -> None:
    """Each Secret is wanted once; a line's end and the key's prefix are no part of the values."""
    secretive = hook(
        headersFrom=[header("hook", "token"), header("hook", "key", "X-Key")], signing=signing("hook", "key")
    )
    request = render_request(secretive, {}, SECRETS)

    assert secret_names(secretive) == ("hook",)
    assert isinstance(request, HookRequest)
    assert request.headers == {"Authorization": "Bearer hunter2", "X-Key": "whsec_c2VjcmV0IHNlY3JldA=="}
    assert (request.signing_key, request.verify_tls) == (b"secret secret", True)


@pytest.mark.parametrize(
    ("more", "secrets", "reason"),
    [
        ({"headersFrom": [header("gone", "token")]}, SECRETS, "Secret gone does not exist"),
        ({"headersFrom": [header("never", "token")]}, SECRETS, "Secret never does not exist"),
        ({"headersFrom": [header("hook", "pass")]}, SECRETS, "Secret hook has no key pass"),
        ({"signing": signing("gone", "key")}, SECRETS, "Secret gone does not exist"),
        ({"signing": signing("hook", "pass")}, SECRETS, "Secret hook has no key pass"),
        ({"headersFrom": [header("hook", "a")]}, {"hook": {"a": b"hun\r\nter2"}}, "no value for a header"),
        ({"headersFrom": [header("hook", "a")]}, {"hook": {"a": b"hun\x00ter2"}}, "no value for a header"),
        ({"headersFrom": [header("hook", "a")]}, {"hook": {"a": b"\xffhunter2"}}, "no value for a header"),
        ({"headersFrom": [header("hook", "a")]}, {"hook": {"a": b" \n"}}, "no value for a header"),
        ({"signing": signing("hook", "a")}, {"hook": {"a": b""}}, "is no signing key"),
        ({"signing": signing("hook", "a")}, {"hook": {"a": b"whsec_"}}, "is no signing key"),
        ({"signing": signing("hook", "a")}, {"hook": {"a": b"whsec_hunter2!"}}, "is no signing key"),
        ({"type": "confirm-rollout", "url": None}, {}, "opened by an action"),
    ],
)
def test_what_is_missing_is_named_and_no_value_told(more: dict[str, Any], secrets: SecretData, reason: str) -> None:
    """The Secret and the key, for whoever has to make them."""
    refused = render_request(hook(**more), {}, secrets)

    assert isinstance(refused, Refused)
    assert reason in refused.reason
    assert "hunter2" not in refused.reason


def test_the_signature_is_the_specifications() -> None:
    """The published example of Standard Webhooks, key and all."""
    key = read_key(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    assert key is not None
    assert (
        sign(key, message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp="1614265330", body=b'{"test": 2432232314}')
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_a_key_without_the_prefix_is_taken_as_it_is() -> None:
    """All of its bytes."""
    assert read_key(b"\x00any bytes\n") == b"\x00any bytes\n"


@pytest.mark.parametrize(
    ("said", "pause_s"),
    [
        ("", None),
        ("7", 7.0),
        (" 0 ", 0.0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("9" * 400, 999999999.0),
        ("Fri, 02 Jan 2026 12:00:30 GMT", 29.877),
        ("Fri, 02 Jan 2026 11:00:00 GMT", 0.0),
        ("Fri, 02 Jan 2026 12:00:30", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(said: str, pause_s: float | None) -> None:
    """Anything else, and a date without a zone, asks for nothing."""
    assert asked_pause_s(said, NOON) == pause_s


@pytest.mark.parametrize("attempt", [Silent("x"), *map(Answered, (429, 500, 502, 503, 599))], ids=str)
def test_what_may_mend(attempt: Attempt) -> None:
    """No answer, 429 and 5xx, as in Flagger."""
    assert may_mend(attempt)


@pytest.mark.parametrize(
    "attempt", [Silent("x", lasting=True), *map(Answered, (200, 204, 301, 400, 408, 499))], ids=str
)
def test_what_is_final(attempt: Attempt) -> None:
    """A consent, and a refusal that has the request as its cause."""
    assert not may_mend(attempt)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://ann:hunter2@host:81/hunter2?hunter2#hunter2", "http://host:81"),
        ("https://[fd00::1]:8443/", "https://[fd00::1]:8443"),
        ("https://host", "https://host"),
        ("http://ann:hunter2/@host/", "the receiver"),
        ("http://[fd00", "the receiver"),
        ("http://#", "the receiver"),
    ],
)
def test_of_a_url_only_the_host_is_told(url: str, name: str) -> None:
    """Never a user, a password, or what stands behind the host."""
    assert outcome_of(Silent("silence"), HookRequest(url, {})) == Unreachable(f"{name}: silence")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (aiohttp.ServerTimeoutError("hunter2"), "no answer within 5 s"),
        (aiohttp.ClientOSError(32, "hunter2"), "no connection: Broken pipe"),
        (ConnectionResetError("hunter2"), "no connection: ConnectionResetError"),
        (aiohttp.ClientPayloadError("hunter2"), "the answer broke off"),
    ],
    ids=repr,
)
def test_an_error_is_told_in_words_of_ours(error: aiohttp.ClientError | OSError, reason: str) -> None:
    """Never in the library's, which quotes what was sent."""
    assert silence_of(error, timeout_s=5.0) == Silent(reason)


@given(st.integers(100, 599), st.binary(max_size=2000), st.text(min_size=1))
def test_every_answer_fits_and_keeps_the_secret(status: int, noise: bytes, word: str) -> None:
    """Whatever is said: at most 256 printable characters, without the secret header's value."""
    secret = f"hunter2-{''.join(filter(str.isalnum, word))}"
    request = HookRequest("http://host/", {}, headers={"X-Key": secret})
    outcome = outcome_of(Answered(status, secret.encode() + noise + secret.encode()), request)
    text = outcome.message if isinstance(outcome, Accepted) else outcome.reason

    assert len(text) <= 256
    assert text.isprintable()
    assert secret not in text


def test_a_secret_within_another_gives_away_none() -> None:
    """The longer one is cut out first."""
    request = HookRequest("http://host/", {}, headers={"X-Short": "hunter2", "X-Long": "hunter2-and-more", "X-No": " "})

    assert outcome_of(Answered(403, b"no hunter2-and-more today"), request) == Refused("HTTP 403: no [redacted] today")


def test_the_patience_is_bounded() -> None:
    """By each attempt's time-out and the longest pause between two."""
    assert patience_s(HookRequest("http://host/", {}, timeout_s=10.0)) == 10.0
    assert patience_s(HookRequest("http://host/", {}, timeout_s=10.0, retries=2)) == 90.0
