"""The policy of deploy/policies on a real API server: weights live through a sync, every other edit goes through."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner, original_routes_annotation
from rollouts.api.resources import ObjectKey
from rollouts.api.subsets import RouteRef
from rollouts.core.routing import Routing
from rollouts.traffic.user_record import keys_of, mark_operations
from rollouts.traffic.user_routes import steering_operations
from rollouts.traffic.user_rules import SECTIONS
from rollouts.traffic.user_sides import Pair
from rollouts.traffic.user_steering import Steering
from tests.engine.swap_world import swap_canary
from tests.engine.world import canary_manifest
from tests.kube.kubectl import kubectl_json, run_kubectl

pytestmark = pytest.mark.lab

Json = dict[str, Any]
FILE = Path(__file__).parents[2] / "deploy" / "policies" / "keep-weights.yaml"
RBAC_FILE = FILE.parents[1] / "base" / "rbac.yaml"
ACCOUNT = "system:serviceaccount:rollouts-system:rollouts-controller"
NAMESPACE = "keep-weights"
OWNER = Owner(NAMESPACE, "shop", "uid-1")
MARK = original_routes_annotation(OWNER)
MARK_PATH = "/metadata/annotations/original.rollouts.dev~1shop"
IN_FORCE_WITHIN_S = 30.0
CLIENT_SIDE = ("apply", "-f", "-")
SERVER_SIDE = ("apply", "--server-side", "--force-conflicts", "-f", "-")
SERVICES = canary_manifest()["spec"]
SUBSETS = swap_canary()["spec"]
WAYS = pytest.mark.parametrize(
    "way", [CLIENT_SIDE, SERVER_SIDE, ("replace", "-f", "-")], ids=["apply", "ssa", "replace"]
)


def to(host: str, weight: int | None = None, subset: str = "", **fields: Any) -> Json:
    """One destination."""
    named = {"host": host} | ({"subset": subset} if subset else {})
    return {"destination": named} | ({} if weight is None else {"weight": weight}) | fields


def shop(*rules: Json, name: str = "shop", sections: Json | None = None) -> Json:
    """The user's VirtualService, as the user's file has it."""
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {"team": "shop"}}
    spec = {"hosts": ["shop"]} | ({"http": list(rules)} if rules else {}) | (sections or {})
    return {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": metadata, "spec": spec}


def sent(*words: str, manifest: Json) -> None:
    """That was accepted."""
    done = run_kubectl(*words, manifest=manifest)
    assert done.returncode == 0, done.stderr


def stored(name: str = "shop") -> Json:
    """The object as it is now."""
    return kubectl_json("get", "virtualservice", name, "-n", NAMESPACE)


def steered(before: Json, after: Json, *added: str, rules: Sequence[str] | None = None) -> None:
    """Stored as a user's file and then, by the controller's account, as in the middle of a release.

    The Canary's destinations are the Services shop, other and shop-canary, with or without subset; it steers all rules,
    or those that are named so in its mark.
    """
    sent(*CLIENT_SIDE, manifest=before)
    found = {section: after["spec"].get(section) or [] for section in SECTIONS}
    keys = [key for section in SECTIONS for key in keys_of(section, found[section])] if rules is None else rules
    known = {route_key(route) for section in SECTIONS for rule in found[section] for route in rule["route"]}
    ours = sorted(key for key in known if key.partition("|")[0] in {"shop", "other", "shop-canary"})
    name = before["metadata"]["name"]
    marking = mark_operations(OWNER, stored(name), {key: {"weights": {}} for key in keys}, ours=ours, added=added)
    patched(name, *marking, _replacing(after))


def route_key(route: Json) -> str:
    """A destination as the mark calls it."""
    return "|".join(filter(None, (route["destination"]["host"], route["destination"].get("subset"))))


def weights_of(rule: Json) -> Json:
    """By destination."""
    return {route_key(route): route["weight"] for route in rule["route"]}


def patched(name: str, *operations: Json) -> None:
    """As the controller's account writes."""
    words = ("patch", "virtualservice", name, "-n", NAMESPACE, f"--as={ACCOUNT}", "--type=json")
    done = run_kubectl(*words, f"--patch={json.dumps(operations)}")
    assert done.returncode == 0, done.stderr


def _replacing(after: Json) -> Json:
    return {"op": "replace", "path": "/spec", "value": after["spec"]}


@pytest.fixture(scope="module", autouse=True)
def policy() -> Iterator[None]:
    """The policy as it is shipped, bound to this namespace alone, and in force."""
    rules, binding = yaml.safe_load_all(FILE.read_text())
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": {"kept": "yes"}}}
    binding["spec"]["matchResources"] = {"namespaceSelector": {"matchLabels": {"kept": "yes"}}}
    sent(*CLIENT_SIDE, manifest=namespace)
    sent(*SERVER_SIDE, manifest=_items(RBAC_FILE))
    for manifest in _kubectl_reads():
        sent(*SERVER_SIDE, manifest=manifest)
    sent(*CLIENT_SIDE, manifest=rules)
    sent(*CLIENT_SIDE, manifest=binding)
    _wait_until_in_force()
    yield
    run_kubectl("delete", "-f", str(FILE))
    run_kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def _kubectl_reads() -> list[Json]:
    """Kubectl gets what it patches. The controller does not, and has no such right."""
    api, name = "rbac.authorization.k8s.io", "kubectl-reads"
    metadata = {"name": name, "namespace": NAMESPACE}
    rule = {"apiGroups": ["networking.istio.io"], "resources": ["virtualservices"], "verbs": ["get"]}
    role = {"apiVersion": f"{api}/v1", "kind": "Role", "metadata": metadata, "rules": [rule]}
    subject = {"apiGroup": api, "kind": "User", "name": ACCOUNT}
    reference = {"apiGroup": api, "kind": "Role", "name": name}
    bound = {"apiVersion": f"{api}/v1", "kind": "RoleBinding", "metadata": metadata}
    return [role, {**bound, "roleRef": reference, "subjects": [subject]}]


def _items(file: Path) -> Json:
    return {"apiVersion": "v1", "kind": "List", "items": list(yaml.safe_load_all(file.read_text()))}


def _wait_until_in_force() -> None:
    probe = shop({"name": "a", "route": [to("shop", 90), to("other", 10)]}, name="probe")
    after = shop({"name": "a", "route": [to("shop", 60), to("other", 40)]}, name="probe")
    ends_at = time.monotonic() + IN_FORCE_WITHIN_S
    while time.monotonic() < ends_at:
        steered(probe, after)
        sent(*CLIENT_SIDE, manifest=probe)
        if stored("probe")["spec"] == after["spec"]:
            return
    pytest.fail(f"the policy is not in force after {IN_FORCE_WITHIN_S:g} s")


@WAYS
def test_two_rules_keep_their_weights(way: tuple[str, ...]) -> None:
    """One with a name, one without; each has its own."""
    matched = {"match": [{"uri": {"prefix": "/x"}}]}
    file = shop(
        {"name": "a", "route": [to("shop", 90), to("other", 10)], **matched},
        {"route": [to("shop", 100), to("other", 0)]},
    )
    run = shop(
        {"name": "a", "route": [to("shop", 60), to("other", 40)], **matched},
        {"route": [to("shop", 30), to("other", 70)]},
    )
    steered(file, run)

    sent(*way, manifest=file)

    assert stored()["spec"] == run["spec"]
    assert MARK in stored()["metadata"]["annotations"]


@WAYS
def test_a_rule_that_is_inserted_above_takes_nobodys_weights(way: tuple[str, ...]) -> None:
    """Rules are known by name or match, not by their place."""
    default = {"route": [to("shop", 90), to("other", 10)]}
    running = {"route": [to("shop", 60), to("other", 40)]}
    steered(shop(default), shop(running))
    new = {"name": "new", "match": [{"uri": {"exact": "/new"}}], "route": [to("shop", 50), to("other", 50)]}

    sent(*way, manifest=shop(new, default))

    assert stored()["spec"]["http"] == [new, running]


@WAYS
def test_three_destinations_keep_theirs(way: tuple[str, ...]) -> None:
    """Subsets of one host are different destinations."""
    file = shop({"route": [to("shop", 20, "v1"), to("shop", 80, "v2"), to("shop", 0, "v3")]})
    run = shop({"route": [to("shop", 20, "v1"), to("shop", 40, "v2"), to("shop", 40, "v3")]})
    steered(file, run)

    sent(*way, manifest=file)

    assert stored()["spec"] == run["spec"]


@WAYS
def test_a_destination_that_was_added_beside_a_lone_one_stays(way: tuple[str, ...]) -> None:
    """The file does not know it, the mark does; one that the user takes out of the file goes."""
    third = to("third", 5)
    file = shop({"name": "a", "route": [to("shop")]}, {"name": "b", "route": [to("shop", 95), third]})
    both = [to("shop", 60), to("shop-canary", 40)]
    run = shop({"name": "a", "route": both}, {"name": "b", "route": [to("shop", 55), third, to("shop-canary", 40)]})
    steered(file, run, "shop-canary")

    sent(*way, manifest=shop({"name": "a", "route": [to("shop")]}, {"name": "b", "route": [to("shop", 95)]}))

    kept = [{"name": "a", "route": both}, {"name": "b", "route": [to("shop", 55), to("shop-canary", 40)]}]
    assert stored()["spec"]["http"] == kept


@WAYS
def test_the_weights_of_others_destinations_are_as_they_are_sent(way: tuple[str, ...]) -> None:
    """In a steered rule the Canary's own stay as they divide what the file gives them together."""
    file = shop({"name": "a", "route": [to("shop", 70, "v1"), to("shop", 20, "v2"), to("third", 10), to("v1", 0)]})
    run = shop({"name": "a", "route": [to("shop", 45, "v1"), to("shop", 45, "v2"), to("third", 10), to("v1", 0)]})
    steered(file, run)
    edited = shop({"name": "a", "route": [to("shop", 65, "v1"), to("shop", 15, "v2"), to("third", 17), to("v1", 3)]})

    sent(*way, manifest=edited)

    ours = [to("shop", 40, "v1"), to("shop", 40, "v2")]
    assert stored()["spec"]["http"] == [{"name": "a", "route": [*ours, to("third", 17), to("v1", 3)]}]


@WAYS
def test_a_rule_that_the_canary_does_not_steer_is_as_it_is_sent(way: tuple[str, ...]) -> None:
    """Though it leads to the same destinations; also one whose name the mark has in another section, or as a part."""
    theirs = [{"name": name, "match": [{"uri": {"exact": f"/{name}"}}]} for name in ("b", "a-b", 'a"', "ä")]
    both, half = [to("shop", 90), to("other", 10)], [to("shop", 50), to("other", 50)]
    ours = {"name": 'a\\"ö', "route": both}
    steered(
        shop(*({**rule, "route": both} for rule in theirs), ours),
        shop(*({**rule, "route": both} for rule in theirs), {**ours, "route": [to("shop", 60), to("other", 40)]}),
        rules=[*keys_of("http", [ours]), "tls/#b", "http/a"],
    )

    sent(*way, manifest=shop(*({**rule, "route": half} for rule in theirs), {**ours, "route": half}))

    kept = {**ours, "route": [to("shop", 60), to("other", 40)]}
    assert stored()["spec"]["http"] == [*({**rule, "route": half} for rule in theirs), kept]


def test_two_canaries_keep_each_its_own() -> None:
    """What one steers in one rule is nothing to it in the other's."""
    run_kubectl("delete", "virtualservice", "shop", "-n", NAMESPACE)
    first, second = ("http/a", ["shop", "shop|v2"]), ("http/b", ["x", "y"])
    file = shop(*({"name": name, "route": four(90, 10, 5, 15)} for name in "ab"))
    sent(*CLIENT_SIDE, manifest=file)
    for name, (rule, ours) in {"one": first, "two": second}.items():
        owner = Owner(NAMESPACE, name, f"uid-{name}")
        patched("shop", *mark_operations(owner, stored(), {rule: {"weights": {}}}, ours=ours))

    sent(*CLIENT_SIDE, manifest=shop(*({"name": name, "route": four(50, 50, 10, 10)} for name in "ab")))

    assert [rule["route"] for rule in stored()["spec"]["http"]] == [four(90, 10, 10, 10), four(50, 50, 5, 15)]
    run_kubectl("delete", "virtualservice", "shop", "-n", NAMESPACE)


def four(*weights: int) -> list[Json]:
    """A host, a subset of it, and two others."""
    names = (("shop", ""), ("shop", "v2"), ("x", ""), ("y", ""))
    return [to(host, weight, subset) for (host, subset), weight in zip(names, weights, strict=True)]


@pytest.mark.parametrize("spec", [SUBSETS, SERVICES], ids=["subsets", "targetRef"])
def test_what_the_controller_writes_is_what_the_policy_reads(spec: Json) -> None:
    """The real mark, of a rule without a name, in whose midst another has a share, beside one that is not steered."""
    sides, fewer, primary, canary = [to("shop", 90)], [to("shop", 80)], "shop", "shop-canary"
    if spec is SUBSETS:
        sides, fewer = [to("shop", 80, "v1"), to("shop", 10, "v2")], [to("shop", 72, "v1"), to("shop", 8, "v2")]
        primary, canary = "shop|v1", "shop|v2"
    theirs = {"name": "theirs", "match": [{"uri": {"exact": "/x"}}], "route": [to("third", 5), to("fourth", 5)]}
    file = shop(theirs, {"route": [*sides, to("third", 10)]})
    run_kubectl("delete", "virtualservice", "shop", "-n", NAMESPACE)
    sent(*CLIENT_SIDE, manifest=file)
    pair = Pair.of_service(ObjectKey(NAMESPACE, "shop"), NAMESPACE) if spec is SERVICES else Pair("v1", "v2")
    steering = Steering(OWNER, CanarySpec.model_validate(spec), RouteRef.model_validate({"name": "shop"}), pair)
    patched("shop", *steering_operations(steering, stored(), Routing(40)))
    run = stored()["spec"]["http"]
    edited = copy.deepcopy(file)
    edited["spec"]["http"][0]["route"] = [to("third", 1), to("fourth", 9)]
    edited["spec"]["http"][1]["route"] = [*fewer, to("third", 20)]

    sent(*CLIENT_SIDE, manifest=edited)

    after = stored()
    assert after["spec"]["http"][0] == edited["spec"]["http"][0]
    assert weights_of(run[1]) == {primary: 54, canary: 36, "third": 10}
    assert weights_of(after["spec"]["http"][1]) == {primary: 48, canary: 32, "third": 20}
    left = steering_operations(steering, after, Routing(40))
    assert [one for one in left if one["path"].startswith("/spec")] == []


def test_two_hundred_rules_are_not_too_many() -> None:
    """The API server's limit of what expressions may cost is not met."""
    names = [f"r{number}" for number in range(200)]
    matches = [{"name": name, "match": [{"uri": {"prefix": f"/{name}"}}]} for name in names]
    run_kubectl("delete", "virtualservice", "shop", "-n", NAMESPACE)
    file = shop(*({**rule, "route": [to("shop", 90), to("other", 10)]} for rule in matches))
    run = shop(*({**rule, "route": [to("shop", 60), to("other", 40)]} for rule in matches))
    steered(file, run, rules=[f"http/{name}" for name in names[::9]])

    sent(*CLIENT_SIDE, manifest=file)

    kept = [rule["name"] for rule in stored()["spec"]["http"] if rule["route"][0]["weight"] == 60]
    assert kept == names[::9]
    run_kubectl("delete", "virtualservice", "shop", "-n", NAMESPACE)


@WAYS
def test_every_other_edit_goes_through(way: tuple[str, ...]) -> None:
    """A timeout, a header of a destination, another host, a label, a rule that is gone."""
    gone = {"name": "gone", "match": [{"uri": {"exact": "/gone"}}], "route": [to("shop", 90), to("other", 10)]}
    steered(
        shop(gone, {"name": "a", "route": [to("shop", 90), to("other", 10)]}),
        shop(gone, {"name": "a", "route": [to("shop", 60), to("other", 40)]}),
    )
    headers: Json = {"headers": {"request": {"set": {"x": "y"}}}}
    edited = shop({"name": "a", "timeout": "3s", "route": [to("shop", 90, **headers), to("other", 10)]})
    edited["spec"]["hosts"] = ["shop", "shop.example.com"]
    edited["metadata"]["labels"] = {"team": "other"}

    sent(*way, manifest=edited)

    found = stored()
    assert found["spec"]["http"] == [
        {"name": "a", "timeout": "3s", "route": [to("shop", 60, **headers), to("other", 40)]}
    ]
    assert found["spec"]["hosts"] == ["shop", "shop.example.com"]
    assert found["metadata"]["labels"] == {"team": "other"}


@pytest.mark.parametrize(
    ("section", "match"),
    [("tls", {"match": [{"port": 443, "sniHosts": ["shop"]}]}), ("tcp", {"match": [{"port": 9000}]}), ("tcp", {})],
)
def test_tls_and_tcp_routes_keep_theirs(section: str, match: Json) -> None:
    """They have no names: what they match tells them apart."""
    file = shop(sections={section: [{**match, "route": [to("shop", 90), to("other", 10)]}]})
    run = shop(sections={section: [{**match, "route": [to("shop", 60), to("other", 40)]}]})
    run_kubectl("delete", "virtualservice", "shop", "-n", NAMESPACE)
    steered(file, run)

    sent(*CLIENT_SIDE, manifest=file)

    assert stored()["spec"] == run["spec"]
    run_kubectl("delete", "virtualservice", "shop", "-n", NAMESPACE)


def test_kubectl_diff_of_the_file_is_empty() -> None:
    """So a GitOps tool that asks the server sees nothing to sync."""
    file = shop({"route": [to("shop", 90), to("other", 10)]})
    steered(file, shop({"route": [to("shop", 60), to("other", 40)]}))

    done = run_kubectl("diff", "-f", "-", manifest=file)

    assert (done.returncode, done.stdout) == (0, "")


def test_the_controller_changes_weights_and_takes_its_mark_off() -> None:
    """Its account is not held by its own policy; afterwards nobody is."""
    file = shop({"route": [to("shop", 90), to("other", 10)]})
    steered(file, shop({"route": [to("shop", 60), to("other", 40)]}))
    last = shop({"route": [to("shop", 0), to("other", 100)]})
    patched("shop", {"op": "remove", "path": MARK_PATH}, _replacing(last))
    assert stored()["spec"] == last["spec"]

    sent(*CLIENT_SIDE, manifest=file)

    assert stored()["spec"] == file["spec"]
    assert MARK not in stored()["metadata"]["annotations"]
