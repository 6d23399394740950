"""The AlertProviders that a Canary names: whether they are there, and may be named from its namespace."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from rollouts.api.alert_provider import AlertProviderSpec
from rollouts.api.canary import CanarySpec
from rollouts.api.resources import ALERT_PROVIDERS, ObjectKey
from rollouts.lint.files import Files
from rollouts.lint.finding import Finding, Level
from rollouts.lint.item import Item


def check_alerts(files: Files, item: Item, spec: CanarySpec) -> Iterator[Finding]:
    """Each alert of one Canary."""
    for index, alert in enumerate(spec.analysis.alerts):
        ref, field = alert.provider_ref, f"spec.analysis.alerts[{index}].providerRef"
        key = ObjectKey(ref.namespace or item.key.namespace, ref.name)
        known = files.read(ALERT_PROVIDERS, key)
        if known is None:
            said = f"AlertProvider {key} is not in the files: create it, or correct providerRef of alert {alert.name}"
            yield item.finding(Level.INFO, "ProviderNotFound", said, field)
        elif key.namespace != item.key.namespace and not _admits(known.get("spec"), item.key.namespace):
            said = f"AlertProvider {key} is not for Canaries of namespace {item.key.namespace}"
            way_out = "add it to its spec.namespaces, or make one of your own"
            yield item.finding(Level.ERROR, "ProviderNotAllowed", f"{said}: {way_out}", field)


def _admits(spec: object, namespace: str) -> bool:
    """One that is invalid was told already."""
    try:
        return AlertProviderSpec.model_validate(spec).admits(namespace)
    except ValidationError:
        return True
