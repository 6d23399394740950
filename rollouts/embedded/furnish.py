"""What a cluster has before anybody has made anything: namespaces, and the definitions of the custom kinds.

Also what follows at once from two kinds of objects: a definition is established, and a namespace takes all with it.
"""

from __future__ import annotations

from rollouts.api.crd import canary_crd, provider_crd, template_crd
from rollouts.api.resources import DESTINATION_RULES, VIRTUAL_SERVICES, Manifest, ObjectKey, Resource
from rollouts.embedded.kinds import DEFINITIONS, NAMESPACES
from rollouts.embedded.open_kinds import open_definition
from rollouts.ports import Propagation
from rollouts.testing.memory_journal import Change
from rollouts.testing.memory_server import MemoryServer

NAMESPACE_NAMES = ("default", "kube-system", "istio-system", "rollouts-system")
_HELD = "kubernetes"
"""The finalizer by which a namespace stays until all in it is gone."""
_GATEWAYS = Resource("networking.istio.io", "v1", "gateways", "Gateway")


def furnish(server: MemoryServer) -> None:
    """Put there what is not there yet, and look after it from now on."""
    server.watchers.append(lambda change: _follow(server, change))
    for name in NAMESPACE_NAMES:
        _put(server, NAMESPACES, {"metadata": {"name": name}})
    ours = (canary_crd(), template_crd(), provider_crd())
    for definition in (*ours, *map(_istio, (VIRTUAL_SERVICES, DESTINATION_RULES, _GATEWAYS))):
        _put(server, DEFINITIONS, definition)


def _put(server: MemoryServer, resource: Resource, manifest: Manifest) -> None:
    if server.stored(resource, ObjectKey.of(manifest)) is None:
        server.put(resource, manifest)


def _istio(resource: Resource) -> Manifest:
    """As Istio defines its kinds, but for what is in them: that is not checked here."""
    columns = {
        VIRTUAL_SERVICES: [("Gateways", ".spec.gateways"), ("Hosts", ".spec.hosts")],
        DESTINATION_RULES: [("Host", ".spec.host")],
    }.get(resource, [])
    printed = [{"name": name, "type": "string", "jsonPath": path} for name, path in columns]
    printed.append({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"})
    short = {VIRTUAL_SERVICES: ["vs"], DESTINATION_RULES: ["dr"], _GATEWAYS: ["gw"]}[resource]
    names = {"shortNames": short, "categories": ["istio-io", "networking-istio-io"]}
    return open_definition(resource, names=names, version={"additionalPrinterColumns": printed})


def _follow(server: MemoryServer, change: Change) -> None:
    resource, key = change.place
    if resource == DEFINITIONS and change.after is not None and "status" not in change.after:
        server.set_status(resource, key, _established(change.after))
    elif resource == NAMESPACES and change.after is not None:
        _settle(server, key, change.after)
    elif change.after is None and key.namespace:
        space = server.stored(NAMESPACES, ObjectKey("", key.namespace))
        if space is not None:
            _settle(server, ObjectKey("", key.namespace), space)


def _established(definition: Manifest) -> Manifest:
    spec = definition["spec"]
    told = (("NamesAccepted", "NoConflicts", "no conflicts found"),
            ("Established", "InitialNamesAccepted", "the initial names have been accepted"))  # fmt: skip
    conditions = [
        {"type": kind, "status": "True", "reason": reason, "message": message,
         "lastTransitionTime": definition["metadata"]["creationTimestamp"]}
        for kind, reason, message in told
    ]  # fmt: skip
    stored = [version["name"] for version in spec["versions"] if version.get("storage")]
    return {"conditions": conditions, "acceptedNames": spec["names"], "storedVersions": stored}


def _settle(server: MemoryServer, key: ObjectKey, space: Manifest) -> None:
    """A namespace is active, or going; it goes when it is empty."""
    if "deletionTimestamp" not in space["metadata"]:
        if "status" not in space:
            labels = {"kubernetes.io/metadata.name": key.name}
            server.edit(NAMESPACES, key, {"metadata": {"labels": labels, "finalizers": [_HELD]}})
            server.set_status(NAMESPACES, key, {"phase": "Active"})
        return
    if space.get("status", {}).get("phase") == "Active":
        server.set_status(NAMESPACES, key, {"phase": "Terminating"})
        for resource, inside in [place for place in server.places() if place[1].namespace == key.name]:
            if server.stored(resource, inside) is not None:
                server.delete(resource, inside, Propagation.BACKGROUND)
    held = space["metadata"].get("finalizers", [])
    if _HELD in held and not any(place[1].namespace == key.name for place in server.places()):
        left = [name for name in held if name != _HELD]
        if server.stored(NAMESPACES, key) is not None:
            server.edit(NAMESPACES, key, {"metadata": {"finalizers": left}})
