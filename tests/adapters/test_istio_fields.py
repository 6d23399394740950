from __future__ import annotations

import json
from typing import Any

import pytest

from rollouts.api.canary import CanarySpec
from rollouts.core.routing import Routing
from rollouts.testing.json_patch import patched
from rollouts.traffic.istio import carries, observed_weight, render_virtual_service, route_operations
from rollouts.traffic.istio_shape import match_flaw
from tests.adapters.istio_routes import MATCH
from tests.adapters.manifests import OWNER, canary_spec

HEADERS = {"request": {"set": {"x-team": "payments"}, "remove": ["x-debug"]}}
RETRIES = {"attempts": 3, "retryOn": "5xx"}


def _spec(analysis: dict[str, Any] | None = None, **service: Any) -> CanarySpec:
    wire = canary_spec().model_dump(mode="json", by_alias=True, exclude_unset=True)
    return CanarySpec.model_validate(
        wire | {"service": wire["service"] | service, "analysis": wire["analysis"] | (analysis or {})}
    )


def _stored(spec: CanarySpec, share: Routing) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(json.dumps(render_virtual_service(OWNER, spec, share)))
    stored["metadata"]["resourceVersion"] = "77"
    return stored


def _brought(manifest: dict[str, Any], spec: CanarySpec, share: Routing) -> dict[str, Any]:
    result: dict[str, Any] = patched(manifest, route_operations(OWNER, spec, manifest, share))
    assert route_operations(OWNER, spec, result, share) == []
    return result


def _rule(manifest: dict[str, Any]) -> dict[str, Any]:
    rule: dict[str, Any] = manifest["spec"]["http"][-1]
    return rule


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({}, {"timeout": "2s", "retries": RETRIES, "headers": HEADERS}, id="added"),
        pytest.param(
            {"timeout": "2s", "retries": RETRIES}, {"timeout": "1s", "retries": {"attempts": 1}}, id="changed"
        ),
        pytest.param({"timeout": "2s", "retries": RETRIES, "headers": HEADERS}, {}, id="taken out"),
        pytest.param({"headers": HEADERS}, {"headers": {"response": {"add": {"x": "y"}}}}, id="other headers"),
        pytest.param({"match": [{"uri": {"prefix": "/a"}}]}, {"match": [{"uri": {"prefix": "/b"}}]}, id="match"),
        pytest.param({"match": [{"uri": {"prefix": "/a"}}]}, {}, id="match taken out"),
    ],
)
def test_fields_follow_the_spec_and_leave_the_weights(before: dict[str, Any], after: dict[str, Any]) -> None:
    """In mid-run too: the object is as if it had been made so, and its weights are never another."""
    share = Routing(30)
    manifest = _stored(_spec(**before), share)
    result = _brought(manifest, _spec(**after), share)
    assert result["spec"] == _stored(_spec(**after), share)["spec"]
    weights = [op for op in route_operations(OWNER, _spec(**after), manifest, share) if "weight" in op["path"]]
    assert weights == []


def test_what_others_put_into_a_rule_stays() -> None:
    """Also beside a header of ours that comes, changes and goes."""
    share = Routing(30)
    manifest = _stored(_spec(headers=HEADERS), share)
    _rule(manifest)["fault"] = {"delay": {"fixedDelay": "1s"}}
    _rule(manifest)["headers"]["request"]["set"]["x-theirs"] = "1"
    _rule(manifest)["headers"]["request"]["remove"].append("x-their-debug")
    changed = _brought(manifest, _spec(headers={"request": {"set": {"x-team": "shop"}}}, timeout="1s"), share)
    assert _rule(changed)["headers"] == {
        "request": {"set": {"x-team": "shop", "x-theirs": "1"}, "remove": ["x-their-debug"]}
    }
    gone = _brought(changed, _spec(), share)
    assert _rule(gone)["headers"] == {"request": {"set": {"x-theirs": "1"}, "remove": ["x-their-debug"]}}
    assert _rule(gone)["fault"] == {"delay": {"fixedDelay": "1s"}}
    assert "timeout" not in _rule(gone)
    assert "rollouts.dev/applied-fields" not in gone["metadata"]["annotations"]


def test_a_field_that_the_spec_sets_is_put_back() -> None:
    """Whoever changed it; and that is no matter of the weights, which are carried all the while."""
    share, spec = Routing(30), _spec(timeout="2s")
    manifest = _stored(spec, share)
    _rule(manifest)["timeout"] = "90s"
    assert carries(OWNER, spec, manifest, share)
    assert _rule(_brought(manifest, spec, share))["timeout"] == "2s"


@pytest.mark.parametrize("annotations", [None, {}, {"rollouts.dev/applied-fields": "{mangled"}], ids=str)
def test_an_annotation_that_is_lost_is_written_again(annotations: dict[str, str] | None) -> None:
    """Nothing is taken for ours that is not known to be."""
    share, spec = Routing(30), _spec(timeout="2s")
    manifest = _stored(spec, share)
    manifest["metadata"]["annotations"] = annotations
    if annotations is None:
        del manifest["metadata"]["annotations"]
    result = _brought(manifest, spec, share)
    assert json.loads(result["metadata"]["annotations"]["rollouts.dev/applied-fields"]) == {"timeout": "2s"}


def test_a_narrower_rule_takes_no_more_than_the_service() -> None:
    """Each match of the analysis is combined with each of the service."""
    spec = _spec({"match": MATCH}, match=[{"uri": {"prefix": "/pay"}}, {"port": 81}])
    narrow, last = render_virtual_service(OWNER, spec, Routing(100, matched=True))["spec"]["http"]
    assert last["match"] == [{"uri": {"prefix": "/pay"}}, {"port": 81}]
    assert len(narrow["match"]) == 4
    assert all("port" in match or match["uri"] == {"prefix": "/pay"} for match in narrow["match"])


@pytest.mark.parametrize(
    ("analysis", "words"),
    [
        pytest.param(
            {"match": [{"uri": {"regex": "/p.*"}}]}, "analysis.match beside service.match: uri", id="match"
        ),
        pytest.param({"match": [{"uri": {"exact": "/other"}}]}, "no request can match", id="never"),
    ],
)  # fmt: skip
def test_a_match_that_can_not_be_combined_is_said_and_takes_nothing(analysis: dict[str, Any], words: str) -> None:
    """All requests stay where they are when nothing matches."""
    spec = _spec(analysis, match=[{"uri": {"prefix": "/pay"}}])
    assert words in match_flaw(spec)
    (only,) = render_virtual_service(OWNER, spec, Routing(30, matched=True))["spec"]["http"]
    assert [route["weight"] for route in only["route"]] == [100, 0]


def test_a_cookie_that_can_not_be_told_beside_another_is_said() -> None:
    """Two regular expressions on one header."""
    spec = _spec(
        {"sessionAffinity": {"cookieName": "track"}}, match=[{"headers": {"cookie": {"regex": ".*beta.*"}}}]
    )  # fmt: skip
    assert "the cookie track beside service.match: header cookie" in match_flaw(spec)
    assert match_flaw(_spec({"sessionAffinity": {"cookieName": "track"}}, match=[{"port": 81}])) == ""


@pytest.mark.parametrize(
    ("before", "after"), [("http", "tcp"), ("tcp", "http"), ("TCP", "grpc")], ids=["to tcp", "to http", "to grpc"]
)
def test_requests_become_connections_and_back(before: str, after: str) -> None:
    """Ours are in one of the lists, those of others stay in both."""
    share = Routing(30)
    manifest = _stored(_spec(appProtocol=before), share)
    theirs = {"match": [{"port": 9}], "route": [{"destination": {"host": "other"}}]}
    for section in ("http", "tcp"):
        manifest["spec"][section] = [theirs, *manifest["spec"].get(section, [])]
    result = _brought(manifest, _spec(appProtocol=after), share)
    assert observed_weight(OWNER, _spec(appProtocol=after), result) == 30
    lists = {"http": result["spec"]["http"], "tcp": result["spec"]["tcp"]}
    kept = "tcp" if after == "tcp" else "http"
    assert {section: len(rules) for section, rules in lists.items()} == {"http": 1, "tcp": 1} | {kept: 2}
    assert all(rules[0] == theirs for rules in lists.values())


def test_a_share_of_connections_leaves_a_third_destination_alone() -> None:
    """As in a rule of requests."""
    spec = _spec(appProtocol="tcp")
    manifest = _stored(spec, Routing(0))
    manifest["spec"]["tcp"][0]["route"][0]["weight"] = 80
    manifest["spec"]["tcp"][0]["route"].append({"destination": {"host": "third"}, "weight": 20})
    (rule,) = _brought(manifest, spec, Routing(50))["spec"]["tcp"]
    assert [route["weight"] for route in rule["route"]] == [40, 40, 20]


def test_a_virtual_service_becomes_a_delegate() -> None:
    """Its hosts and gateways go with the patch that is written for it."""
    manifest = _stored(_spec(hosts=["a.example.com"]), Routing(30))
    result = _brought(manifest, _spec(delegation=True), Routing(30))
    assert result["spec"].keys() == {"http"}
