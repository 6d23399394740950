"""The `service` of a Canary of Flagger's: Services and routes that the controller makes."""

from __future__ import annotations

from typing import Any

from rollouts.convert.istio_words import cors_policy, headers, retries, service_match
from rollouts.convert.ledger import Cursor, copied

_GATEWAY_API = "it is of the Gateway API, and requests are shared by Istio's VirtualService in this version"
_LOST = {
    "gatewayRefs": _GATEWAY_API,
    "backendTimeout": _GATEWAY_API,
    "mirror": f"{_GATEWAY_API}; analysis.mirror copies requests to the canary",
    "meshName": "it is of App Mesh",
    "backends": "it is of App Mesh",
    "trafficDistribution": "the Services that are made have none; your own Service of that name keeps what it has",
}
_SIDES = ("apex", "primary", "canary")


def service_of(source: Cursor) -> dict[str, Any]:
    """The same in our words."""
    out = copied(source, ("name", "port", "portName", "appProtocol", "hosts", "delegation", "timeout", "trafficPolicy"))
    out |= _target_port(source)
    if source.at("gateways").value:
        out["gateways"] = source.take("gateways")
    elif source.has("gateways"):
        source.needless("an empty list is the mesh, as none is", "gateways")
    matches = [match for one in source.items("match") if (match := service_match(one)) is not None]
    # One entry that takes everything makes the others idle.
    everything = any(not one.value for one in source.items("match"))
    if matches and not everything:
        out["match"] = matches
    if source.has("retries") and (tried := retries(source.at("retries"))):
        out["retries"] = tried
    if source.has("headers") and (done := headers(source.at("headers"))):
        out["headers"] = done
    if source.has("corsPolicy"):
        out["corsPolicy"] = cors_policy(source.at("corsPolicy"))
    out |= _rewrite(source.at("rewrite"))
    for side in _SIDES:
        if found := copied(source.at(side), ("labels", "annotations")):
            out[side] = found
    _unsaid(source)
    return out


def _target_port(source: Cursor) -> dict[str, Any]:
    number = source.number("targetPort")
    return {"targetPort": number} if number is not None else copied(source, ("targetPort",))


def _rewrite(source: Cursor) -> dict[str, Any]:
    out = copied(source, ("uri", "authority"))
    if source.has("uriRegexRewrite"):
        out["uriRegexRewrite"] = copied(source.at("uriRegexRewrite"), ("match", "rewrite"))
    source.lost(_GATEWAY_API, "type")
    return {"rewrite": out} if out else {}


def _unsaid(source: Cursor) -> None:
    for name, reason in _LOST.items():
        source.lost(reason, name)
    source.needless("labels and annotations of others are never taken from an object", "unmanagedMetadata")
    if source.at("portDiscovery").value is True:
        source.lost("the Services that are made have one port; your own Service keeps its others", "portDiscovery")
    else:
        source.needless("it is off", "portDiscovery")
    if source.at("headless").value is True:
        source.lost("the Services that are made have an address; your own Service stays headless", "headless")
    else:
        source.needless("it is off", "headless")
