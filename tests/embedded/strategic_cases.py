"""Strategic merge patches of the Deployment of deployments.py, each with what it is about."""

from __future__ import annotations

from rollouts.api.resources import Manifest
from tests.embedded.deployments import in_pod


def order(*names: str) -> list[Manifest]:
    """What $setElementOrder names."""
    return [{"name": name} for name in names]


IMAGE = {"name": "b", "image": "b:2"}

CASES: dict[str, Manifest] = {
    "nothing": {},
    "a container by its name": in_pod(containers=[IMAGE]),
    "a new container stands first": in_pod(containers=[{"name": "new", "image": "new:1"}]),
    "a new container where the order says": in_pod(
        containers=[{"name": "new", "image": "new:1"}],
        **{"$setElementOrder/containers": order("a", "new", "b", "c")},
    ),
    "another order alone": in_pod(**{"$setElementOrder/containers": order("c", "b", "a")}),
    "an order that does not know all": in_pod(**{"$setElementOrder/containers": order("c", "a")}),
    "a container is deleted": in_pod(containers=[{"name": "b", "$patch": "delete"}]),
    "deleted with an order, as apply does": in_pod(
        containers=[{"name": "b", "$patch": "delete"}], **{"$setElementOrder/containers": order("a", "c")}
    ),
    "a container that is not there is deleted": in_pod(containers=[{"name": "z", "$patch": "delete"}]),
    "all containers are replaced": in_pod(containers=[{"name": "z", "image": "z:1"}, {"$patch": "replace"}]),
    "a variable by its name": in_pod(containers=[{"name": "a", "env": [{"name": "TWO", "value": "3"}]}]),
    "a variable is deleted": in_pod(containers=[{"name": "a", "env": [{"name": "ONE", "$patch": "delete"}]}]),
    "a variable with an order": in_pod(
        containers=[
            {
                "name": "a",
                "env": [{"name": "NEW", "value": "n"}],
                "$setElementOrder/env": order("ONE", "NEW", "TWO"),
            }
        ],
    ),
    "a port by its number": in_pod(containers=[{"name": "a", "ports": [{"containerPort": 80, "name": "http"}]}]),
    "a second port": in_pod(containers=[{"name": "a", "ports": [{"containerPort": 81}]}]),
    "a mount by its path": in_pod(
        containers=[{"name": "a", "volumeMounts": [{"mountPath": "/scratch", "name": "scratch", "readOnly": True}]}]
    ),
    "arguments are one value": in_pod(containers=[{"name": "a", "args": ["--new"]}]),
    "tolerations are one value": in_pod(tolerations=[{"key": "new"}]),
    "a volume of another kind": in_pod(
        volumes=[{"name": "scratch", "$retainKeys": ["name", "configMap"], "configMap": {"name": "c"}}]
    ),
    "another strategy": {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}},
    "a field is removed": {"spec": {"strategy": None}},
    "a field that is not there is removed": {"spec": {"paused": None}},
    "labels merge": {"metadata": {"labels": {"team": "blue", "app": None}}},
    "a map is replaced": {"metadata": {"labels": {"$patch": "replace", "only": "me"}}},
    "a map is emptied": {"metadata": {"labels": {"$patch": "delete"}}},
    "finalizers are a set": {"metadata": {"finalizers": ["x/two", "x/three"]}},
    "a finalizer is taken out": {"metadata": {"$deleteFromPrimitiveList/finalizers": ["x/one"]}},
    "one in, one out": {
        "metadata": {"finalizers": ["x/three"], "$deleteFromPrimitiveList/finalizers": ["x/one"]},
    },
    "a list where there was none": in_pod(initContainers=[{"name": "i", "image": "i:1"}]),
}

REFUSED: dict[str, Manifest] = {
    "a container without a name": in_pod(containers=[{"image": "b:2"}]),
    "a directive that there is not": {"spec": {"selector": {"$patch": "zap"}}},
    "an order that lacks what the patch sets": in_pod(
        containers=[IMAGE], **{"$setElementOrder/containers": order("a", "c")}
    ),
    "an order other than the list's": in_pod(
        containers=[IMAGE, {"name": "a", "image": "a:2"}], **{"$setElementOrder/containers": order("a", "b")}
    ),
    "keys that are set and not kept": {"spec": {"strategy": {"$retainKeys": ["type"], "rollingUpdate": {}}}},
    "an item that is no object": in_pod(containers=["b"]),
}
