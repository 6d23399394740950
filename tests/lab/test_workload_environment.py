"""What a played container finds in its environment."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from e2e.lab.workload.behaviour import BadVariableError
from e2e.lab.workload.environment import CONFIG_MAP, SECRET, MissingConfigError, read_data, read_env

OBJECTS = {
    (CONFIG_MAP, "conduct"): {"VERSION": "2", "ERROR_RATE": "0.5"},
    (SECRET, "keys"): {"TOKEN": "t"},
}


def _env(*entries: dict[str, Any], sources: tuple[dict[str, Any], ...] = ()) -> dict[str, str]:
    container = {"name": "a", "env": list(entries), "envFrom": list(sources)}
    return read_env([container], lambda kind, name: OBJECTS.get((kind, name)))


def _from(variable: str, field: str, **reference: Any) -> dict[str, Any]:
    return {"name": variable, "valueFrom": {field: reference}}


def test_variables_come_from_where_they_are_said_to_be() -> None:
    """Literals, single keys, and whole objects under a prefix; a variable of its own wins over a whole object's."""
    assert _env({"name": "A", "value": "1"}, {"name": "B"}) == {"A": "1", "B": ""}
    assert _env(_from("RATE", "configMapKeyRef", name="conduct", key="ERROR_RATE")) == {"RATE": "0.5"}
    assert _env(_from("T", "secretKeyRef", name="keys", key="TOKEN")) == {"T": "t"}
    whole = ({"configMapRef": {"name": "conduct"}}, {"secretRef": {"name": "keys"}, "prefix": "S_"})
    assert _env({"name": "VERSION", "value": "3"}, sources=whole) == {
        "VERSION": "3", "ERROR_RATE": "0.5", "S_TOKEN": "t",
    }  # fmt: skip


def test_the_first_container_that_sets_a_variable_wins() -> None:
    """A sidecar's variables are not the application's."""
    containers = [{"name": n, "env": [{"name": "VERSION", "value": n}]} for n in ("app", "sidecar")]
    assert read_env(containers, lambda _kind, _name: None) == {"VERSION": "app"}


@pytest.mark.parametrize(
    ("entry", "source"),
    [
        (_from("A", "configMapKeyRef", name="conduct", key="none"), None),
        (_from("A", "secretKeyRef", name="none", key="k"), None),
        (None, {"configMapRef": {"name": "none"}}),
    ],
)
def test_what_is_not_there_keeps_the_container_from_starting(
    entry: dict[str, Any] | None, source: dict[str, Any] | None
) -> None:
    """Unless it is optional: then the variable is absent."""
    with pytest.raises(MissingConfigError, match="none"):
        _env(*filter(None, [entry]), sources=tuple(filter(None, [source])))
    for place in (*(entry["valueFrom"].values() if entry else ()), *(source.values() if source else ())):
        place["optional"] = True
    assert _env(*filter(None, [entry]), sources=tuple(filter(None, [source]))) == {}


def test_other_references_are_refused() -> None:
    """The lab says so rather than play a container without the variable."""
    with pytest.raises(BadVariableError, match="ERROR_RATE"):
        _env(_from("ERROR_RATE", "fieldRef", fieldPath="metadata.name"))


def test_a_secrets_bytes_are_decoded() -> None:
    """Bytes that are no text are no variable."""
    data = {"A": base64.b64encode(b"x").decode(), "B": base64.b64encode(bytes([255])).decode()}
    assert read_data({"kind": SECRET, "data": data}) == {"A": "x"}
    assert read_data({"kind": CONFIG_MAP, "data": {"A": "x"}}) == {"A": "x"}
