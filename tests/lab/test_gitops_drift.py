"""The GitOps tool of the play: what it does not look at, what it sends, and what counts as reverted."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.gitops.compare import LAST_APPLIED, as_it_stands, last_applied, merged_three_way, reverted
from e2e.gitops.ignore import CONFIGURED, SHIPPED, Ignored
from rollouts.admission.admit import admit
from rollouts.admission.canaries import canary_definition

ROOT = Path(__file__).parents[2]
MINE = {"name": "default", "timeout": "5s", "route": [{"destination": {"host": "app.shop"}}]}
GIT: dict[str, Any] = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "VirtualService",
    "metadata": {"name": "app"},
    "spec": {"hosts": ["a"], "http": [MINE]},
}


def running() -> dict[str, Any]:
    """The same in mid-release: a rule inserted, a destination added, weights."""
    live = copy.deepcopy(GIT)
    rule = live["spec"]["http"][0]
    rule["route"][0]["weight"] = 80
    rule["route"].append({"destination": {"host": "app-canary.shop"}, "weight": 20})
    live["spec"]["http"].insert(0, {"name": "rollouts-app-match", "route": [{"destination": {"host": "app-canary"}}]})
    return live


def shipped(*more: str) -> Ignored:
    """What deploy/ has, and further options."""
    found = Ignored.of(SHIPPED.read_text(encoding="utf-8"))
    return Ignored(found.rules, found.options | {*more})


def test_a_running_release_is_no_difference() -> None:
    """By the shipped file; and an edit of the user's is one all the same."""
    assert shipped().without(running()) == shipped().without(GIT)
    edited = running()
    edited["spec"]["http"][1]["timeout"] = "7s"
    assert shipped().without(edited) != shipped().without(GIT)


@pytest.mark.parametrize(
    ("kind", "group", "path"),
    [("Deployment", "apps/v1", "replicas"), ("Service", "v1", "selector")],
    ids=["size", "selector"],
)
def test_what_the_canary_says_of_workloads_is_no_difference(kind: str, group: str, path: str) -> None:
    """The target's replicas, the Service's selector, and nothing else of them."""
    stands = {"apiVersion": group, "kind": kind, "metadata": {"name": "app"}, "spec": {path: 5, "other": 1}}
    assert shipped().without(stands)["spec"] == {"other": 1}


def test_a_word_that_is_not_played_fails() -> None:
    """What is shipped and what is played must not part ways."""
    text = SHIPPED.read_text(encoding="utf-8")
    for bad in (
        text.replace("jsonPointers", "managedFieldsManagers"),
        text.replace(".spec.tls[]?.route[]?", "..|.route"),
    ):
        with pytest.raises(ValueError, match="not played"):
            Ignored.of(bad)


def test_the_example_has_what_is_shipped() -> None:
    """examples/gitops/argocd.yaml ignores the same and syncs alike."""
    example = yaml.safe_load((ROOT / "examples/gitops/argocd.yaml").read_text(encoding="utf-8"))["spec"]
    file = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    assert example["ignoreDifferences"] == file["ignoreDifferences"]
    assert example["syncPolicy"]["syncOptions"] == file["syncPolicy"]["syncOptions"]


CANARIES = [
    one
    for path in sorted((ROOT / "examples").rglob("*.yaml"))
    for one in yaml.safe_load_all(path.read_text(encoding="utf-8"))
    if one["kind"] == "Canary"
]


def _as_applied(git: dict[str, Any], ignored: Ignored) -> bool:
    """Whether the tool sees no difference once the API server has filled in what was left out."""
    stored = admit(canary_definition(), git).manifest
    return ignored.without(merged_three_way(git, git, stored)) == ignored.without(stored)


@pytest.mark.parametrize("git", CANARIES, ids=range(len(CANARIES)))
def test_what_the_server_fills_in_is_no_difference(git: dict[str, Any]) -> None:
    """In any list of any example; by what Argo CD's own ConfigMap is given."""
    assert _as_applied(git, shipped().configured(CONFIGURED.read_text(encoding="utf-8")))


def test_what_the_server_fills_in_is_one_without_that() -> None:
    """And with it a value that is not the server's own still is."""
    git = next(one for one in CANARIES if "subsets" in one["spec"])
    assert not _as_applied(git, shipped())
    other = copy.deepcopy(git)
    other["spec"]["routeRefs"][0]["rules"] = ["mine"]
    configured = shipped().configured(CONFIGURED.read_text(encoding="utf-8"))
    assert configured.without(other) != configured.without(git)


def test_a_list_that_is_left_as_it_stands_is_left_whole() -> None:
    """So that an edit of the user's beside it does not come in: why the shipped file does not ask for that."""
    assert not shipped().respected
    edited, live = copy.deepcopy(GIT), running()
    edited["spec"]["http"][0]["timeout"] = "7s"
    edited["spec"]["hosts"] = ["b"]
    ignored = shipped("RespectIgnoreDifferences=true")
    sent = as_it_stands(ignored.without(edited), ignored.without(live), live)
    assert ignored.respected
    assert sent["spec"] == {"hosts": ["b"], "http": live["spec"]["http"]}


def test_an_apply_from_the_clients_side_takes_out_what_was_applied() -> None:
    """And leaves what others have put in, but in lists, which are one value."""
    last, wanted = {"a": 1, "b": {"c": 1}, "l": [1]}, {"a": 1, "b": {}, "l": [1]}
    assert merged_three_way(last, wanted, {"a": 2, "b": {"c": 1, "d": 1}, "l": [1, 2], "e": 1}) == {
        "a": 1, "b": {"d": 1}, "l": [1], "e": 1
    }  # fmt: skip


def test_reverted_is_what_goes_back_to_git_unasked() -> None:
    """A weight that goes back counts; a timeout that was committed does not, nor a step that the controller took."""
    git = copy.deepcopy(GIT)
    git["spec"]["http"][0]["route"][0]["weight"] = 90
    before, after, edited = copy.deepcopy(git), copy.deepcopy(git), copy.deepcopy(git)
    before["spec"]["http"][0]["route"][0]["weight"] = 60
    assert reverted(before, git, git, git) == [".spec.http[].route[].weight"]
    after["spec"]["http"][0]["route"][0]["weight"] = 40
    assert reverted(before, after, git, git) == []
    edited["spec"]["http"][0]["timeout"] = "7s"
    assert reverted(git, edited, edited, git) == []


def test_an_empty_map_that_kubectl_writes_is_none() -> None:
    """Else the tool would expect that an apply takes away our mark, which is an annotation."""
    told = json.dumps({**GIT, "metadata": {"name": "app", "annotations": {}}})
    live = copy.deepcopy(GIT)
    live["metadata"] = {"name": "app", "annotations": {LAST_APPLIED: told, "original.rollouts.dev/app": "x"}}
    expected = merged_three_way(last_applied(live), GIT, live)
    assert expected["metadata"]["annotations"]["original.rollouts.dev/app"] == "x"
