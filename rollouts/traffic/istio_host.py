"""Hosts as Istio's objects write them: a short name is read in the namespace of the object that has it. Pure."""

from __future__ import annotations


def service_of(host: str, namespace: str) -> tuple[str, str]:
    """Namespace and name of the Service that a host means; an empty namespace for a host that is no Service's."""
    name, *rest = host.split(".")
    if not rest:
        return namespace, name
    return (rest[0], name) if len(rest) == 1 or rest[1] == "svc" else ("", host)
