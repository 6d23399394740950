"""What a Canary is about can't be changed once things are made: the API server refuses it, and says the way out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.canaries import good_spec, manifest
from tests.kube.kubectl import run_kubectl

pytestmark = pytest.mark.kube

NAME = "names-are-fixed"


@pytest.fixture
def canary() -> Iterator[dict[str, Any]]:
    """A Canary that is there."""
    made = manifest(good_spec())
    made["metadata"] = {"name": NAME, "namespace": "default"}
    assert run_kubectl("apply", "-f", "-", manifest=made).returncode == 0
    yield made
    run_kubectl("delete", "canaries.rollouts.dev", NAME, "-n", "default")


def _reach(phase: str) -> None:
    words = ("patch", "canaries.rollouts.dev", NAME, "-n", "default", "--subresource=status", "--type=merge")
    assert run_kubectl(*words, "-p", f'{{"status":{{"phase":"{phase}"}}}}').returncode == 0


@pytest.mark.parametrize("field", ["targetRef", "service"])
def test_another_name_is_refused(canary: dict[str, Any], field: str) -> None:
    """Everything that was made for the old name would be left to nobody."""
    _reach("Initialized")
    canary["spec"][field]["name"] = "other"
    answer = run_kubectl("apply", "-f", "-", manifest=canary)
    assert answer.returncode != 0
    assert f"{field}.name can't be changed any more: delete this Canary" in answer.stderr


def test_another_kind_is_refused(canary: dict[str, Any]) -> None:
    """The copy is of the kind that it was copied from."""
    _reach("Initialized")
    canary["spec"]["targetRef"]["kind"] = "DaemonSet"
    answer = run_kubectl("apply", "-f", "-", manifest=canary)
    assert answer.returncode != 0
    assert "targetRef.kind can't be changed any more: delete this Canary" in answer.stderr


def test_a_wrong_name_is_corrected_as_long_as_nothing_was_made(canary: dict[str, Any]) -> None:
    """As the condition of a Canary without its target advises."""
    _reach("Initializing")
    canary["spec"]["targetRef"]["name"] = "other"
    assert run_kubectl("apply", "-f", "-", manifest=canary).returncode == 0


def test_the_same_name_said_in_another_way_is_accepted(canary: dict[str, Any]) -> None:
    """The default, written out."""
    _reach("Initialized")
    service = canary["spec"]["service"]
    service["name"] = service.get("name") or canary["spec"]["targetRef"]["name"]
    assert run_kubectl("apply", "-f", "-", manifest=canary).returncode == 0
