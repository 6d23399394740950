from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from rollouts.api.hooks import GATES, HookType, Webhook

URL = "https://hooks.example/path?a=b"
REF = {"name": "hook", "key": "token"}


def test_little_must_be_said() -> None:
    """A name and a URL are a rollout hook with Flagger's defaults."""
    hook = Webhook.model_validate({"name": "check", "url": URL})

    assert (hook.type, hook.timeout_s, hook.retries, hook.disable_tls) == (HookType.ROLLOUT, 10.0, 0, False)
    assert (hook.is_gate, hook.deadline_s, hook.on_deadline) == (False, None, "fail")


def test_all_can_be_said() -> None:
    """Names on the wire are Flagger's, disableTLS too."""
    said = {
        "type": "confirm-promotion",
        "name": "gate",
        "url": "http://[fd00::1]:8080/",
        "timeout": "1m30s",
        "retries": 3,
        "disableTLS": True,
        "muteAlert": True,
        "metadata": {"cmd": "curl"},
        "headersFrom": [{"name": "Authorization", "secretKeyRef": REF}],
        "signing": {"secretKeyRef": REF},
        "deadline": "1h",
        "onDeadline": "advance",
    }
    hook = Webhook.model_validate(said)

    assert hook.model_dump(mode="json", by_alias=True) == said | {"approvals": 1}
    assert (hook.timeout_s, hook.deadline_s, hook.is_gate) == (90.0, 3600.0, True)


@pytest.mark.parametrize("kind", HookType)
def test_only_a_gate_can_do_without_url_and_have_a_deadline(kind: HookType) -> None:
    """A gate can be opened by an action; nothing else happens without a receiver."""
    for more, words in (({}, "url is required"), ({"url": URL, "deadline": "1m"}, "deadline is for the gates")):
        if kind in GATES:
            assert Webhook.model_validate({"type": kind, "name": "a", **more}).is_gate
        else:
            with pytest.raises(ValidationError, match=words):
                Webhook.model_validate({"type": kind, "name": "a", **more})


def _header(name: str) -> dict[str, Any]:
    return {"name": name, "secretKeyRef": REF}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"type": "sometimes"}, "confirm-rollout"),
        ({"name": ""}, "at least 1 char"),
        ({"name": "a" * 64}, "at most 63 char"),
        ({"url": "ftp://host/"}, "should match pattern"),
        ({"url": "http:///path"}, "should match pattern"),
        ({"url": "http://host/a b"}, "should match pattern"),
        ({"url": "http://host/\n"}, "should match pattern"),
        ({"url": f"http://host/{'a' * 2048}"}, "at most 2048 char"),
        ({"timeout": "0s"}, "too short"),
        ({"timeout": "soon"}, "write a duration"),
        ({"retries": 11}, "less than or equal to 10"),
        ({"metadata": {str(index): "" for index in range(33)}}, "at most 32 items"),
        ({"metadata": {"a": "x" * 1025}}, "at most 1024 char"),
        ({"metadata": {"": "x"}}, "a key has 1 to 128"),
        ({"metadata": {"a" * 129: "x"}}, "a key has 1 to 128"),
        ({"headersFrom": [_header(f"h{index}") for index in range(9)]}, "at most 8 items"),
        ({"headersFrom": [_header("X-Key"), _header("x-key")]}, "each name may stand once"),
        ({"headersFrom": [_header("Content-Length")]}, "the controller itself sets"),
        ({"headersFrom": [_header("HOST")]}, "the controller itself sets"),
        ({"headersFrom": [_header("Webhook-Id")]}, "the controller itself sets"),
        ({"headersFrom": [_header("a: b")]}, "should match pattern"),
        ({"signing": {"secretKeyRef": {"name": "../x", "key": "a"}}}, "should match pattern"),
        ({"signing": {"secretKeyRef": {"name": "x", "key": "a/b"}}}, "should match pattern"),
        ({"signing": {}}, "Field required"),
        ({"type": "confirm-rollout", "deadline": "1m", "onDeadline": "shrug"}, "'fail' or 'advance'"),
    ],
    ids=str,
)
def test_a_bad_hook_is_refused_with_words_that_help(change: dict[str, Any], words: str) -> None:
    """Each change to a good hook is refused."""
    with pytest.raises(ValidationError, match=words):
        Webhook.model_validate({"name": "check", "url": URL, **change})


def test_other_headers_may_begin_like_ours() -> None:
    """Host and Connection are taken as whole names."""
    names = ["Hostess", "X-Webhook-Id", "connection-id"]

    hook = Webhook.model_validate({"name": "a", "url": URL, "headersFrom": [_header(name) for name in names]})

    assert [header.name for header in hook.headers_from] == names
