"""Who names whom across namespaces in Flagger's objects: ours say it at the one that is named."""

from __future__ import annotations

from rollouts.convert.inputs import FLAGGER, Inputs, Source


def namespaces_that_name(inputs: Inputs, named: Source, items: str, ref: str) -> list[str]:
    """Those of Canaries in the files that name it from elsewhere, by that field of those items of their analysis."""
    found = set()
    for canary in inputs.of(FLAGGER, "Canary"):
        for item in canary.spec.at("analysis").items(items):
            at = item.at(ref)
            meant = (at.at("namespace").value or canary.namespace, at.at("name").value)
            if meant == (named.namespace, named.name) and canary.namespace != named.namespace:
                found.add(canary.namespace)
    return sorted(found)
