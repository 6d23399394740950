"""Bodies in Kubernetes' protobuf, as `kubectl create namespace` and its like send them, read as JSON. Pure.

Only the types of protobuf_types.py. The envelope is the one of the Kubernetes API reference, "Kubernetes Protobuf
encoding": four bytes, then a message with the kind and the object within.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from rollouts.api.resources import Manifest
from rollouts.embedded.protobuf_types import TYPES

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"


class ProtobufNotRead(ValueError):
    """A message of a type or with a field that is not known here, or no message at all."""


def read(body: bytes) -> Manifest:
    """The object in an envelope. Raises ProtobufNotRead."""
    if not body.startswith(_MAGIC):
        raise ProtobufNotRead("the body is no Kubernetes protobuf")
    envelope = _message(body[len(_MAGIC) :], "Unknown")
    header: Manifest = envelope.get("typeMeta", {})
    return {**header, **_message(envelope.get("raw", b""), header.get("kind", ""))}


def _message(data: bytes, name: str) -> Manifest:
    if name not in TYPES:
        raise ProtobufNotRead(f"a {name} can't be sent as protobuf here: send JSON")
    result: Manifest = {}
    for number, value in _fields(data):
        if number not in TYPES[name] and value in {b"", 0}:
            continue  # sent though it is not set
        if number not in TYPES[name]:
            raise ProtobufNotRead(f"field {number} of a {name} can't be sent as protobuf here: send JSON")
        field, kind = TYPES[name][number]
        if kind.startswith("["):
            result.setdefault(field, []).append(_value(value, kind[1:-1]))
        elif kind.startswith("{"):
            key, *rest = (each for _, each in _fields(_bytes(value)))
            result.setdefault(field, {})[_bytes(key).decode()] = _value(rest[0] if rest else b"", kind[1:-1])
        elif field and value not in {b"", 0}:
            result[field] = _value(value, kind)
    return result


def _value(value: bytes | int, kind: str) -> Any:
    match kind:
        case "integer":
            return value
        case "bytes":
            return value
        case "string":
            return _bytes(value).decode()
        case "int-or-string":
            told = dict(_fields(_bytes(value)))
            return _bytes(told.get(3, b"")).decode() if told.get(1) else told.get(2, 0)
        case "base64":
            return base64.b64encode(_bytes(value)).decode()
        case _:
            return _message(_bytes(value), kind)


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Numbers and values as they come (protobuf.dev, "Encoding"): varints and what has a length."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        size, at = _varint(data, at)
        match tag & 7:
            case 0:
                yield tag >> 3, size
            case 2 if at + size <= len(data):
                yield tag >> 3, data[at : at + size]
                at += size
            case _:
                raise ProtobufNotRead("the body is no protobuf that can be read here")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    result = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        result |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return result, at
    raise ProtobufNotRead("the body ends in the middle of a number")


def _bytes(value: bytes | int) -> bytes:
    if isinstance(value, int):
        raise ProtobufNotRead("a number where there should be text")
    return value
