from __future__ import annotations

import json
from typing import Any

import pytest

from rollouts.api.ownership import ORIGINAL_SELECTOR_ANNOTATION
from rollouts.core.selector import SelectorLabel
from rollouts.traffic.services import render_apex_selector, render_services
from tests.adapters.golden import assert_golden
from tests.adapters.manifests import OWNER, canary_spec

LABEL = SelectorLabel("app", "checkout")


def _apex(selector: dict[str, str] | None, kept: str | None = None) -> dict[str, Any]:
    annotations = {"theirs": "stays"} | ({} if kept is None else {ORIGINAL_SELECTOR_ANNOTATION: kept})
    spec = {"ports": [{"port": 80}], **({} if selector is None else {"selector": selector})}
    return {"metadata": {"name": "checkout", "namespace": "shop", "annotations": annotations}, "spec": spec}


@pytest.mark.parametrize(
    ("golden", "service"),
    [
        pytest.param("services-named-port", {}, id="target port by name"),
        pytest.param(
            "services-renamed", {"name": "pay", "portName": "grpc-pay", "targetPort": None}, id="name of its own"
        ),
    ],
)
def test_services_are_rendered_whole(golden: str, service: dict[str, Any]) -> None:
    """Clients' Service and the primary's select the copy, the canary's the target; all have the one port."""
    services = render_services(OWNER, canary_spec(**service), LABEL)
    assert_golden(golden, [services.apex, services.primary, services.canary])


def test_a_users_service_gets_our_selector_and_nothing_else() -> None:
    """Of a Service that was there before, only the selector changes, and the old one is kept beside it."""
    apex = _apex({"app": "checkout", "tier": "web"})
    assert_golden("apex-selector", [render_apex_selector(OWNER, canary_spec(), LABEL, apex)])


@pytest.mark.parametrize(
    ("current", "kept", "expected"),
    [
        pytest.param({"app": "checkout"}, None, {"app": "checkout"}, id="first time"),
        pytest.param({"app": "checkout-primary"}, '{"app":"checkout"}', {"app": "checkout"}, id="ours already"),
        pytest.param({"app": "other"}, '{"app":"checkout"}', {"app": "other"}, id="user changed it since"),
        pytest.param(None, None, {}, id="no selector"),
    ],
)
def test_the_selector_kept_is_the_one_the_user_wanted_last(
    current: dict[str, str] | None, kept: str | None, expected: dict[str, str]
) -> None:
    """Applying again never takes our own selector for the user's, and notices a new one of theirs."""
    applied = render_apex_selector(OWNER, canary_spec(), LABEL, _apex(current, kept))
    assert json.loads(applied["metadata"]["annotations"][ORIGINAL_SELECTOR_ANNOTATION]) == expected
    assert applied["spec"] == {"selector": {"app": "checkout-primary"}}
