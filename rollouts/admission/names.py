"""How Kubernetes wants names, labels and annotations to be written, and what it says when they are not.

Source: k8s.io/apimachinery/pkg/util/validation; the texts are its.
"""

from __future__ import annotations

import re

NAME_LIMIT = 253
PART_LIMIT = 63

_LABEL_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_WRITE_SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    f"and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
_WRITE_NAME = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    f"(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_LABEL_NAME}')"
)
_WRITE_KEY = (
    f"a valid label key {_WRITE_NAME} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
)
_WRITE_VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    f"'({_LABEL_NAME})?')"
)
_EMPTY = "must be non-empty"


def subdomain_faults(name: str) -> list[str]:
    """What keeps a text from being a DNS-1123 subdomain, as the names of most objects must be."""
    return [*_length_faults(name, NAME_LIMIT, "characters"), *_shape_faults(name, _SUBDOMAIN, _WRITE_SUBDOMAIN)]


def key_faults(key: str) -> list[str]:
    """What is wrong with the key of a label, of an annotation (in lower case) or with a finalizer."""
    prefix, slash, name = key.partition("/")
    if "/" in name:
        return [_WRITE_KEY]
    if not slash:
        prefix, name = "", key
    found = [f"prefix part {fault}" for fault in (subdomain_faults(prefix) if prefix else [_EMPTY])] if slash else []
    of_name = _length_faults(name, PART_LIMIT) if name else [_EMPTY]
    return found + [f"name part {fault}" for fault in (*of_name, *_shape_faults(name, _LABEL_NAME, _WRITE_NAME))]


def value_faults(value: str) -> list[str]:
    """What is wrong with the value of a label."""
    return [*_length_faults(value, PART_LIMIT), *_shape_faults(value, f"({_LABEL_NAME})?", _WRITE_VALUE)]


def _length_faults(text: str, limit: int, unit: str = "bytes") -> list[str]:
    return [f"must be no more than {limit} {unit}"] if len(text.encode()) > limit else []


def _shape_faults(text: str, shape: str, write: str) -> list[str]:
    return [] if re.fullmatch(shape, text) else [write]
