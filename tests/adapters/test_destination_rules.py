from __future__ import annotations

from typing import Any

import pytest

from rollouts.traffic.destination_rules import find_inherited, render_destination_rules
from tests.adapters.manifests import OWNER, canary_spec

POLICY = {"connectionPool": {"http": {"http2MaxRequests": 9}}, "outlierDetection": {"consecutive5xxErrors": 5}}


def _theirs(name: str = "theirs", *, at: str = "2026-01-01T00:00:00Z", **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop", "creationTimestamp": at}
    return {"kind": "DestinationRule", "metadata": metadata, "spec": {"host": "checkout", **spec}}


def _specs(*theirs: dict[str, Any], **service: Any) -> list[dict[str, Any]]:
    spec = canary_spec(**service)
    found = find_inherited(OWNER, spec, theirs)
    return [one["spec"] for one in render_destination_rules(OWNER, spec, found, "app")]


@pytest.mark.parametrize(
    ("host", "means"),
    [
        ("checkout", True),
        ("checkout.shop", True),
        ("checkout.shop.svc", True),
        ("checkout.shop.svc.cluster.local", True),
        ("checkout.other", False),
        ("checkout-primary", False),
        ("checkout.example.com", False),
        ("*.shop.svc.cluster.local", False),
        ("", False),
    ],
)
def test_a_rule_of_the_user_is_known_by_its_host(host: str, means: bool) -> None:  # noqa: FBT001 (a row's value)
    """However it is written."""
    assert bool(find_inherited(OWNER, canary_spec(), [_theirs(host=host)])) == means


def test_the_users_policy_holds_for_both_copies() -> None:
    """With its ports, where it is seen and whom it is for."""
    rest: dict[str, Any] = {
        "exportTo": ["."],
        "workloadSelector": {"matchLabels": {"app": "shop"}},
        "trafficPolicy": POLICY,
    }
    assert _specs(_theirs(**rest)) == [{"host": "checkout-primary", **rest}, {"host": "checkout-canary", **rest}]


def test_a_field_of_the_canarys_policy_takes_the_place_of_the_users() -> None:
    """The others stay the user's."""
    own = {"outlierDetection": {"consecutive5xxErrors": 1}}
    primary, canary = _specs(_theirs(trafficPolicy=POLICY), trafficPolicy=own)
    assert primary["trafficPolicy"] == canary["trafficPolicy"] == POLICY | own


def test_without_a_rule_the_canarys_policy_stands_alone() -> None:
    """And without either there is none."""
    assert [spec["trafficPolicy"] for spec in _specs(trafficPolicy=POLICY)] == [POLICY, POLICY]
    assert _specs() == [{"host": "checkout-primary"}, {"host": "checkout-canary"}]


def test_subsets_select_pods_that_there_are() -> None:
    """The primary's without the label that tells its pods from the target's, the canary's without any."""
    subsets = [{"name": "a", "labels": {"app": "checkout", "tier": "web"}, "trafficPolicy": POLICY}, {"name": "b"}]
    primary, canary = _specs(_theirs(subsets=subsets))
    assert primary["subsets"] == [{"name": "a", "labels": {"tier": "web"}, "trafficPolicy": POLICY}, {"name": "b"}]
    assert canary["subsets"] == [{"name": "a", "trafficPolicy": POLICY}, {"name": "b"}]


def test_several_rules_are_merged_as_istio_does() -> None:
    """The oldest says all but the subsets; one for certain clients only is not merged; one that goes is not there."""
    oldest = _theirs("z", trafficPolicy=POLICY, subsets=[{"name": "a"}])
    younger = _theirs(
        "a", at="2026-01-02T00:00:00Z", exportTo=["*"], subsets=[{"name": "a", "labels": {}}, {"name": "b"}]
    )
    special = _theirs("b", at="2026-01-03T00:00:00Z", workloadSelector={"matchLabels": {}}, subsets=[{"name": "c"}])
    going = _theirs("0", at="2025-01-01T00:00:00Z", exportTo=["."])
    going["metadata"]["deletionTimestamp"] = "2026-01-04T00:00:00Z"
    expected = {"trafficPolicy": POLICY, "subsets": [{"name": "a"}, {"name": "b"}]}
    assert _specs(special, younger, going, oldest)[1] == {"host": "checkout-canary", **expected}


def test_what_is_rendered_shares_nothing_with_what_was_read() -> None:
    """A store's objects are never changed."""
    theirs = _theirs(trafficPolicy=POLICY)
    render_destination_rules(OWNER, canary_spec(), [theirs])[0]["spec"]["trafficPolicy"]["x"] = 1
    assert "x" not in POLICY
