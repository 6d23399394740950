"""The policy of deploy/policies on a real API server: weights live through a sync, every other edit goes through."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kube.kubectl import kubectl_json, run_kubectl

pytestmark = pytest.mark.lab

Json = dict[str, Any]
FILE = Path(__file__).parents[2] / "deploy" / "policies" / "keep-weights.yaml"
RBAC_FILE = FILE.parents[1] / "rbac.yaml"
ACCOUNT = "system:serviceaccount:rollouts-system:rollouts-controller"
NAMESPACE = "keep-weights"
MARK = "original.rollouts.dev/shop"
MARK_PATH = "/metadata/annotations/original.rollouts.dev~1shop"
IN_FORCE_WITHIN_S = 30.0
CLIENT_SIDE = ("apply", "-f", "-")
SERVER_SIDE = ("apply", "--server-side", "--force-conflicts", "-f", "-")
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


def steered(before: Json, after: Json, *added: str) -> None:
    """Stored as a user's file and then, by the controller's account, as in the middle of a release."""
    sent(*CLIENT_SIDE, manifest=before)
    told = json.dumps({"rules": {}, "added": list(added)}, separators=(",", ":"))
    patched(before["metadata"]["name"], {"op": "add", "path": MARK_PATH, "value": told}, _replacing(after))


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
    sent(*CLIENT_SIDE, manifest=rules)
    sent(*CLIENT_SIDE, manifest=binding)
    _wait_until_in_force()
    yield
    run_kubectl("delete", "-f", str(FILE))
    run_kubectl("delete", "namespace", NAMESPACE, "--wait=false")


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
