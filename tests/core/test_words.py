"""The small words of the API: durations, names of resources, whose an object is."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from rollouts.api.durations import PATTERN, Duration, duration_s
from rollouts.api.ownership import Owner
from rollouts.api.resources import CANARIES, DEPLOYMENTS, SERVICES, VIRTUAL_SERVICES, ObjectKey, Resource
from tests.core.given import spec_of

DURATIONS = TypeAdapter(Duration)
OWNER = Owner("shop", "app", "0f-uid")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1), ("10s", 10), ("1m", 60), ("1m30s", 90), ("1h", 3600), ("1h0m1s", 3601), ("1.5s", 1.5),
        ("1000ms", 1), ("2s500ms", 2.5), ("0.5m", 30), ("0h2s", 2),
    ],
)  # fmt: skip
def test_duration_in_seconds(text: str, seconds: float) -> None:
    """Go's notation, whole and fractional, in any sum."""
    assert DURATIONS.validate_python(text) == text
    assert duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "10", "s", "1 s", "-1s", "1d", "1us", "1S", ".5s", "1.s", "1e3s", "\uff11s"])
def test_what_is_no_duration(text: str) -> None:
    """What Kubernetes would not read as a duration of these units is refused."""
    assert not re.fullmatch(PATTERN, text)
    with pytest.raises(ValidationError):
        DURATIONS.validate_python(text)


@pytest.mark.parametrize("text", ["0s", "999ms", "0.9s", "0h"])
def test_less_than_a_second_is_too_short(text: str) -> None:
    """An interval below the clock's tolerance is refused in words."""
    with pytest.raises(ValidationError, match=f"{text} is too short: the least is 1s"):
        DURATIONS.validate_python(text)


@pytest.mark.parametrize(
    ("resource", "where", "path"),
    [
        (SERVICES, {}, "/api/v1/services"),
        (SERVICES, {"namespace": "shop"}, "/api/v1/namespaces/shop/services"),
        (DEPLOYMENTS, {"namespace": "shop", "name": "app"}, "/apis/apps/v1/namespaces/shop/deployments/app"),
        (
            CANARIES, {"namespace": "shop", "name": "app", "subresource": "status"},
            "/apis/rollouts.dev/v1beta1/namespaces/shop/canaries/app/status",
        ),
        (Resource("", "v1", "namespaces", "Namespace"), {"name": "shop"}, "/api/v1/namespaces/shop"),
    ],
)  # fmt: skip
def test_path_of_a_resource(resource: Resource, where: dict[str, str], path: str) -> None:
    """Collections, objects and subresources, in a namespace or not, of the core group or not."""
    assert resource.path(**where) == path


def test_names_of_a_resource() -> None:
    """As RBAC writes it, and as a manifest does."""
    assert (str(VIRTUAL_SERVICES), str(SERVICES)) == ("virtualservices.networking.istio.io", "services")
    assert (VIRTUAL_SERVICES.api_version, SERVICES.api_version) == ("networking.istio.io/v1", "v1")


def test_key_of_an_object() -> None:
    """Namespace and name, or the name alone."""
    keys = [ObjectKey.of({"metadata": {"namespace": "shop", "name": "app"}}), ObjectKey.of({"metadata": {"name": "x"}})]

    assert [str(key) for key in keys] == ["shop/app", "x"]


def test_owner_of_a_stored_canary() -> None:
    """The Canary's own key and UID."""
    owner = Owner.of({"metadata": {"namespace": "shop", "name": "app", "uid": "0f-uid"}})

    assert (owner, owner.key) == (OWNER, ObjectKey("shop", "app"))


@pytest.mark.parametrize(
    ("labels", "ours"),
    [
        pytest.param(OWNER.labels(), True, id="made by it"),
        pytest.param(OWNER.labels() | {"rollouts.dev/canary-uid": "older"}, True, id="made by one of that name before"),
        pytest.param(OWNER.labels() | {"rollouts.dev/canary": "other"}, False, id="made by another"),
        pytest.param(OWNER.labels() | {"app.kubernetes.io/managed-by": "Helm"}, False, id="managed by someone else"),
        pytest.param({}, False, id="the user's"),
        pytest.param(None, False, id="without labels"),
    ],
)
def test_whose_an_object_is(labels: dict[str, str] | None, ours: bool) -> None:  # noqa: FBT001 - a table's column
    """Ours is what carries our labels for a Canary of that name."""
    metadata: dict[str, Any] = {"name": "app-primary"} | ({} if labels is None else {"labels": labels})

    assert OWNER.owns({"metadata": metadata}) is ours


def test_a_long_name_makes_a_valid_label() -> None:
    """A name of 253 characters is cut to a label's 63, with no dot before the hash."""
    label = Owner("shop", "a" * 53 + "." + "b" * 190, "u").labels()["rollouts.dev/canary"]

    assert label == "a" * 53 + "-05e78343"


def test_names_that_a_spec_implies() -> None:
    """Without a name of its own the Service is called like the target; the copy has its suffix."""
    spec = spec_of()

    assert (spec.service_name, spec.primary_name, spec.analysis.interval_s) == ("app", "app-primary", 10.0)
