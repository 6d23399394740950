"""The facade by itself: what a client is answered, in a real server's words, whatever it asks."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import pytest

from rollouts.api.resources import DEPLOYMENTS, ObjectKey
from rollouts.embedded.server import BODY_MAX_BYTES
from tests.embedded.conftest import Api
from tests.embedded.kubectl_objects import canary

NAMESPACED = "/api/v1/namespaces/default/configmaps"
WORKLOADS = "/apis/apps/v1/namespaces/default/deployments"
JSON_PATCH, MERGE_PATCH = "application/json-patch+json", "application/merge-patch+json"
STRATEGIC, APPLY = "application/strategic-merge-patch+json", "application/apply-patch+yaml"


Asked = tuple[str, str, Any]
"""Method, path and body."""
Told = tuple[int, str, str]
"""Status, reason, and words of the message."""


def settings(name: str = "a", **data: str) -> dict[str, Any]:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def workload(name: str = "app", replicas: int = 2) -> dict[str, Any]:
    """A Deployment."""
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "app", "image": "x:1"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("GET", "/nonsense", None), (404, "NotFound", "could not find the requested resource")),
        (("GET", "/apis/none.example/v1/things", None), (404, "NotFound", "could not find the requested resource")),
        (("GET", "/api/v1/configmaps/a", None), (404, "NotFound", "could not find the requested resource")),
        (("GET", f"{NAMESPACED}/a/scale", None), (404, "NotFound", "could not find the requested resource")),
        (("GET", f"{NAMESPACED}/a", None), (404, "NotFound", 'configmaps "a" not found')),
        (("GET", f"{NAMESPACED}?labelSelector=a%20b", None), (400, "BadRequest", "unable to parse requirement")),
        (("GET", f"{NAMESPACED}?fieldSelector=a", None), (400, "BadRequest", "invalid field selector")),
        (("GET", f"{NAMESPACED}?limit=x", None), (400, "BadRequest", "limit")),
        (("GET", f"{NAMESPACED}?continue=x", None), (400, "BadRequest", "continue key is not valid")),
        (("GET", f"{NAMESPACED}?watch=true&resourceVersion=x", None), (400, "BadRequest", "invalid resource version")),
        (("GET", f"{NAMESPACED}?watch=true&resourceVersion=1", None), (410, "Expired", "too old resource version: 1")),
        (("POST", "/version", {}), (405, "MethodNotAllowed", "does not allow this method")),
        (("PUT", NAMESPACED, settings()), (405, "MethodNotAllowed", "does not allow this method")),
        (("POST", f"{NAMESPACED}/a", settings()), (405, "MethodNotAllowed", "does not allow this method")),
        (("POST", NAMESPACED, b"{"), (400, "BadRequest", "was not understood")),
        (("POST", NAMESPACED, b"7"), (400, "BadRequest", "an object is needed")),
        (("POST", NAMESPACED, []), (400, "BadRequest", "an object is needed")),
        (("POST", NAMESPACED, {"metadata": 7}), (400, "BadRequest", "metadata must be an object")),
        (("POST", NAMESPACED, {"metadata": {}}), (422, "Invalid", "name or generateName is required")),
        (("POST", NAMESPACED, workload()), (400, "BadRequest", "does not match the expected one (v1, Kind=ConfigMap)")),
        (("POST", "/api/v1/namespaces/none/configmaps", settings()), (404, "NotFound", 'namespaces "none" not found')),
        (
            ("POST", NAMESPACED, {"metadata": {"name": "a", "namespace": "b"}}),
            (
                400,
                "BadRequest",
                "the namespace of the object (b) does not match the namespace on the request (default)",
            ),
        ),
        (("PUT", f"{NAMESPACED}/a", settings("b")), (400, "BadRequest", "does not match the name on the URL (a)")),
        (("PUT", f"{NAMESPACED}/a", settings()), (404, "NotFound", 'configmaps "a" not found')),
        (("PATCH", f"{NAMESPACED}/a", {}), (415, "UnsupportedMediaType", "accepted media types include")),
        (("DELETE", f"{NAMESPACED}/a", None), (404, "NotFound", 'configmaps "a" not found')),
        (
            ("DELETE", f"{NAMESPACED}/a?propagationPolicy=Sideways", None),
            (422, "Invalid", 'propagationPolicy: Unsupported value: "Sideways"'),
        ),
    ],
)
async def test_what_can_not_be_is_refused_as_a_server_would(api: Api, asked: Asked, told: Told) -> None:
    """A Status object says why, and nothing is stored."""
    version, (code, reason, words) = api.server.version, told
    status, found = await api.ask(*asked)
    assert (status, found["kind"], found["status"], found["code"]) == (code, "Status", "Failure", code)
    assert found["reason"] == reason
    assert words in found["message"]
    assert api.server.version == version


async def test_a_body_without_end_is_refused(api: Api) -> None:
    """Before it is read."""
    body = io.BytesIO(b" " * (BODY_MAX_BYTES + 1))
    async with api.session.post(NAMESPACED, data=body) as answer:
        status, told = answer.status, await answer.json()
    assert (status, told["reason"]) == (413, "RequestEntityTooLarge")


async def test_an_object_comes_changes_and_goes(api: Api) -> None:
    """With a uid, a version for each change, and the words of a server at its end."""
    status, made = await api.ask("POST", NAMESPACED, settings(color="red"))
    assert (status, made["data"], made["metadata"]["namespace"]) == (201, {"color": "red"}, "default")
    status, told = await api.ask("POST", NAMESPACED, settings())
    assert (status, told["reason"], told["message"]) == (409, "AlreadyExists", 'configmaps "a" already exists')
    status, changed = await api.ask("PUT", f"{NAMESPACED}/a", settings(color="blue"))
    assert (status, changed["data"]) == (200, {"color": "blue"})
    assert changed["metadata"]["uid"] == made["metadata"]["uid"]
    status, told = await api.ask("PUT", f"{NAMESPACED}/a", made)
    assert (status, told["reason"]) == (409, "Conflict")
    assert "the object has been modified; please apply your changes to the latest version" in told["message"]
    status, told = await api.ask("DELETE", f"{NAMESPACED}/a")
    assert (status, told["status"], told["details"]["uid"]) == (200, "Success", made["metadata"]["uid"])
    assert (await api.ask("GET", f"{NAMESPACED}/a"))[0] == 404


async def test_a_name_is_made_where_only_its_begin_is_said(api: Api) -> None:
    """As of Events and Jobs."""
    _, made = await api.ask("POST", NAMESPACED, {"metadata": {"generateName": "a-"}})
    assert made["metadata"]["name"].startswith("a-")
    assert len(made["metadata"]["name"]) == 7


@pytest.mark.parametrize(
    ("media", "body"),
    [
        (MERGE_PATCH, {"data": {"color": "blue", "size": None}}),
        (STRATEGIC, {"data": {"color": "blue", "size": None}}),
        (
            JSON_PATCH,
            [{"op": "replace", "path": "/data/color", "value": "blue"}, {"op": "remove", "path": "/data/size"}],
        ),
    ],
)
async def test_each_type_of_patch_changes_what_it_names(api: Api, media: str, body: Any) -> None:
    """And nothing else."""
    await api.ask("POST", NAMESPACED, settings(color="red", size="1", shape="round"))
    status, told = await api.patch(f"{NAMESPACED}/a", media, body)
    assert (status, told["data"]) == (200, {"color": "blue", "shape": "round"})


async def test_a_patch_that_does_not_fit_changes_nothing(api: Api) -> None:
    """Each in its own way."""
    await api.ask("POST", NAMESPACED, settings(color="red"))
    wrong = [{"op": "test", "path": "/data/color", "value": "blue"}]
    assert (await api.patch(f"{NAMESPACED}/a", JSON_PATCH, wrong))[0] == 422
    for media, body in ((JSON_PATCH, {}), (MERGE_PATCH, [])):
        status, told = await api.patch(f"{NAMESPACED}/a", media, body)
        assert (status, told["message"].partition(" json:")[0]) == (400, "error decoding patch:")
    old = {"metadata": {"resourceVersion": "1"}}
    assert (await api.patch(f"{NAMESPACED}/a", MERGE_PATCH, old))[0] == 409
    renamed = {"metadata": {"name": "b"}}
    assert (await api.patch(f"{NAMESPACED}/a", MERGE_PATCH, renamed))[0] == 400
    canaries = "/apis/rollouts.dev/v1beta1/namespaces/default/canaries"
    assert (await api.ask("POST", canaries, canary("a")))[0] == 201
    assert (await api.patch(f"{canaries}/a", STRATEGIC, {}))[0] == 415


async def test_fields_of_others_are_taken_by_force_alone(api: Api) -> None:
    """The conflict names who has them and where."""
    url = f"{WORKLOADS}/app"
    await api.ask("POST", WORKLOADS, workload(), User_Agent="helm/4")
    mine = workload(replicas=5)
    status, told = await api.patch(f"{url}?fieldManager=me", APPLY, mine)
    assert (status, told["reason"]) == (409, "Conflict")
    assert told["message"] == 'Apply failed with 1 conflict: conflict with "helm" using apps/v1: .spec.replicas'
    status, told = await api.patch(f"{url}?fieldManager=me&force=true", APPLY, mine)
    assert (status, told["spec"]["replicas"]) == (200, 5)
    status, told = await api.patch(url, APPLY, mine)
    assert (status, told["message"].split(": ")[1]) == (422, "fieldManager")


async def test_a_dry_run_says_what_would_be_and_keeps_nothing(api: Api) -> None:
    """Of each verb."""
    version = api.server.version
    status, told = await api.ask("POST", f"{WORKLOADS}?dryRun=All", workload())
    assert (status, told["spec"]["replicas"]) == (201, 2)
    assert "resourceVersion" not in told["metadata"]
    assert api.server.version == version
    await api.ask("POST", WORKLOADS, workload())
    version = api.server.version
    url = f"{WORKLOADS}/app?dryRun=All"
    status, told = await api.patch(f"{url}&fieldManager=me&force=true", APPLY, workload(replicas=7))
    assert (status, told["spec"]["replicas"], told["metadata"]["resourceVersion"]) == (200, 7, str(version))
    status, told = await api.patch(url, MERGE_PATCH, {"spec": {"replicas": 3}})
    assert (status, told["spec"]["replicas"]) == (200, 3)
    assert (await api.ask("DELETE", url))[0] == 200
    assert api.server.version == version


async def test_a_status_is_changed_through_its_own_path_alone(api: Api) -> None:
    """And nothing else through that."""
    await api.ask("POST", WORKLOADS, workload())
    both = {"spec": {"replicas": 9}, "status": {"replicas": 1}}
    _, told = await api.patch(f"{WORKLOADS}/app/status", MERGE_PATCH, both)
    assert (told["spec"]["replicas"], told["status"]) == (2, {"replicas": 1})
    _, told = await api.patch(f"{WORKLOADS}/app", MERGE_PATCH, {"spec": {"replicas": 9}, "status": {"replicas": 7}})
    assert (told["spec"]["replicas"], told["status"]) == (9, {"replicas": 1})
    _, scale = await api.ask("GET", f"{WORKLOADS}/app/scale")
    assert (scale["kind"], scale["spec"], scale["status"]["selector"]) == ("Scale", {"replicas": 9}, "app=app")
    _, scale = await api.patch(f"{WORKLOADS}/app/scale", MERGE_PATCH, {"spec": {"replicas": 4}})
    assert scale["spec"] == {"replicas": 4}
    stored = api.server.stored(DEPLOYMENTS, ObjectKey("default", "app"))
    assert stored is not None
    assert stored["spec"]["replicas"] == 4


async def test_lists_are_selected_and_cut_into_pages(api: Api) -> None:
    """In order, each object once."""
    for name, color in (("a", "red"), ("b", "blue"), ("c", "red"), ("d", "red")):
        await api.ask("POST", NAMESPACED, settings(name) | {"metadata": {"name": name, "labels": {"color": color}}})
    query, seen, pages = f"{NAMESPACED}?labelSelector=color+in+(red,green),color!%3Dblue&limit=2", [], 0
    token = ""
    while pages == 0 or token:
        _, page = await api.ask("GET", f"{query}&continue={token}")
        seen += [item["metadata"]["name"] for item in page["items"]]
        token, pages = page["metadata"].get("continue", ""), pages + 1
    assert (seen, pages) == (["a", "c", "d"], 2)
    for selector, names in (("!color", []), ("color", ["a", "b", "c", "d"]), ("color notin (red)", ["b"])):
        _, page = await api.ask("GET", f"{NAMESPACED}?labelSelector={selector}")
        assert [item["metadata"]["name"] for item in page["items"]] == names
    _, page = await api.ask("GET", "/api/v1/configmaps?fieldSelector=metadata.name%3Db,metadata.namespace!%3Dx")
    assert [item["metadata"]["name"] for item in page["items"]] == ["b"]
    assert (await api.ask("DELETE", f"{NAMESPACED}?labelSelector=color%3Dred"))[0] == 200
    _, page = await api.ask("GET", NAMESPACED)
    assert [item["metadata"]["name"] for item in page["items"]] == ["b"]


async def test_a_watch_tells_what_enters_and_leaves_its_selection(api: Api) -> None:
    """From the version that it was asked for, to its time's end; a bookmark at the end of what was there."""
    await api.ask("POST", NAMESPACED, settings("a") | {"metadata": {"name": "a", "labels": {"on": "1"}}})
    query = "watch=true&labelSelector=on&allowWatchBookmarks=true&timeoutSeconds=20&sendInitialEvents=true"
    told: list[tuple[str, str]] = []
    async with asyncio.timeout(10), api.session.get(f"{NAMESPACED}?{query}") as answer:
        assert answer.status == 200

        async def next_event() -> tuple[str, str]:
            event = json.loads(await answer.content.readline())
            return event["type"], event["object"]["metadata"].get("name", "")

        told += [await next_event(), await next_event()]
        await api.ask("POST", NAMESPACED, settings("b"))
        await api.patch(f"{NAMESPACED}/b", MERGE_PATCH, {"metadata": {"labels": {"on": "1"}}})
        await api.patch(f"{NAMESPACED}/b", MERGE_PATCH, {"data": {"x": "y"}})
        await api.patch(f"{NAMESPACED}/a", MERGE_PATCH, {"metadata": {"labels": {"on": None}}})
        await api.ask("DELETE", f"{NAMESPACED}/b")
        told += [await next_event() for _ in range(4)]
    assert told == [
        ("ADDED", "a"), ("BOOKMARK", ""), ("ADDED", "b"), ("MODIFIED", "b"), ("DELETED", "a"), ("DELETED", "b"),
    ]  # fmt: skip


async def test_a_watch_ends_after_its_time_and_is_forgotten(api: Api) -> None:
    """Nor is one kept whose client has gone."""
    before = len(api.server.watchers)
    async with asyncio.timeout(10), api.session.get(f"{NAMESPACED}?watch=1&timeoutSeconds=1") as answer:
        assert await answer.read() == b""
    async with api.session.get(f"{NAMESPACED}?watch=1&timeoutSeconds=60"):
        assert len(api.server.watchers) == before + 1
    async with asyncio.timeout(10):
        while len(api.server.watchers) > before:
            await api.ask("POST", NAMESPACED, {"metadata": {"generateName": "x"}})
            await asyncio.sleep(0)


async def test_a_namespace_takes_all_with_it(api: Api) -> None:
    """It stays while somebody's finalizer holds one of its objects."""
    spaces = "/api/v1/namespaces"
    status, _ = await api.ask("POST", spaces, {"metadata": {"name": "shop"}})
    assert status == 201
    held = {"metadata": {"name": "held", "finalizers": ["example.test/hold"]}}
    for body in (held, settings("free")):
        await api.ask("POST", f"{spaces}/shop/configmaps", body)
    await api.ask("DELETE", f"{spaces}/shop")
    _, space = await api.ask("GET", f"{spaces}/shop")
    assert space["status"]["phase"] == "Terminating"
    _, left = await api.ask("GET", f"{spaces}/shop/configmaps")
    assert [item["metadata"]["name"] for item in left["items"]] == ["held"]
    await api.patch(f"{spaces}/shop/configmaps/held", MERGE_PATCH, {"metadata": {"finalizers": None}})
    assert (await api.ask("GET", f"{spaces}/shop"))[0] == 404


async def test_a_definition_adds_a_kind(api: Api) -> None:
    """Established at once, and found by discovery."""
    versions = [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}]
    names = {"plural": "things", "kind": "Thing"}
    spec = {"group": "example.test", "scope": "Cluster", "names": names, "versions": versions}
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    await api.ask("POST", definitions, {"metadata": {"name": "things.example.test"}, "spec": spec})
    _, made = await api.ask("GET", f"{definitions}/things.example.test")
    assert made["status"]["conditions"][1]["type"] == "Established"
    _, listed = await api.ask("GET", "/apis/example.test/v1")
    assert [entry["name"] for entry in listed["resources"]] == ["things"]
    _, groups = await api.ask("GET", "/apis")
    assert "example.test" in [group["name"] for group in groups["groups"]]
    assert (await api.ask("GET", "/apis/example.test"))[1]["preferredVersion"]["version"] == "v1"
    assert (await api.ask("POST", "/apis/example.test/v1/things", {"metadata": {"name": "a"}}))[0] == 201


async def test_reviews_are_answered_and_not_kept(api: Api) -> None:
    """Everyone there is an administrator; who impersonates somebody is nobody."""
    reviews = "/apis/authorization.k8s.io/v1"
    version = api.server.version
    _, told = await api.ask("POST", f"{reviews}/selfsubjectaccessreviews", {"spec": {}})
    assert told["status"] == {"allowed": True}
    _, told = await api.ask("POST", f"{reviews}/selfsubjectrulesreviews", {"spec": {"namespace": "default"}})
    assert told["status"]["resourceRules"][0]["verbs"] == ["*"]
    assert api.server.version == version
    status, told = await api.ask("GET", NAMESPACED, Impersonate_User="jane")
    assert (status, told["reason"]) == (403, "Forbidden")
    assert 'User "jane" cannot list resource "configmaps" in API group "" in the namespace "default"' in told["message"]
