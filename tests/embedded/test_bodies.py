from __future__ import annotations

import json
from typing import Any

import pytest

from rollouts.embedded.answers import Refusal
from rollouts.embedded.bodies import APPLY_PATCH, body_of
from rollouts.embedded.protobuf import MEDIA_TYPE


def field(number: int, value: bytes | int) -> bytes:
    """One field of a message, of less than 128 bytes or with a number below 128."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    return bytes([number << 3 | 2, len(value)]) + value


def enveloped(kind: str, raw: bytes) -> bytes:
    """As kubectl sends it."""
    header = field(1, b"v1") + field(2, kind.encode())
    return b"k8s\x00" + field(1, header) + field(2, raw) + field(3, b"") + field(4, b"")


NAMED = field(1, field(1, b"app") + field(2, b"") + field(8, b"") + field(11, field(1, b"team") + field(2, b"blue")))
METADATA = {"name": "app", "labels": {"team": "blue"}}


@pytest.mark.parametrize(
    ("kind", "more", "found"),
    [
        ("Namespace", field(2, b"") + field(3, b""), {}),
        (
            "ConfigMap",
            field(2, field(1, b"a") + field(2, b"1")) + field(2, field(1, b"b")),
            {"data": {"a": "1", "b": ""}},
        ),
        (
            "Secret",
            field(2, field(1, b"a") + field(2, b"\xff")) + field(3, b"Opaque"),
            {"data": {"a": "/w=="}, "type": "Opaque"},
        ),
        (
            "Service",
            field(2, field(1, field(3, 80) + field(4, field(1, 1) + field(3, b"http"))) + field(1, field(3, 81))),
            {"spec": {"ports": [{"port": 80, "targetPort": "http"}, {"port": 81}]}},
        ),
        ("Deployment", field(2, field(1, 3)), {"spec": {"replicas": 3}}),
    ],
)
def test_protobuf_is_read_as_json(kind: str, more: bytes, found: dict[str, Any]) -> None:
    """What is empty is not there."""
    read = body_of(enveloped(kind, NAMED + more), MEDIA_TYPE)
    assert read == {"apiVersion": "v1", "kind": kind, "metadata": METADATA, **found}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{}", "no Kubernetes protobuf"),
        (enveloped("Unicorn", NAMED), "a Unicorn can't be sent as protobuf here: send JSON"),
        (enveloped("ConfigMap", NAMED + field(9, b"x")), "field 9 of a ConfigMap"),
        (enveloped("ConfigMap", field(1, 7)), "a number where there should be text"),
        (b"k8s\x00\x0a\x7f", "no protobuf that can be read"),
        (b"k8s\x00\x80", "ends in the middle of a number"),
    ],
)
def test_protobuf_that_is_not_read_is_refused(body: bytes, words: str) -> None:
    """In words that say what to do; nothing is guessed."""
    with pytest.raises(Refusal, match=words) as refused:
        body_of(body, MEDIA_TYPE)
    assert refused.value.code == 415


def test_the_other_forms() -> None:
    """JSON unless it is said to be YAML; nothing is an empty object."""
    assert body_of(json.dumps({"a": [1]}).encode(), "application/json") == {"a": [1]}
    assert body_of(b"a: [1]", APPLY_PATCH) == {"a": [1]}
    assert body_of(b"", "application/json") == {}
    with pytest.raises(Refusal, match="accepted media types include"):
        body_of(b"<a/>", "application/xml")
