"""What two objects of ours, or two documents, must not share: a target, a Service, a name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rollouts.api.canary import CanarySpec
from rollouts.lint.finding import Finding, Level
from rollouts.lint.item import Item


def check_names(items: Sequence[Item]) -> Iterator[Finding]:
    """Objects that stand twice: `kubectl apply` leaves the last."""
    seen: dict[tuple[str, str, object], Item] = {}
    for item in items:
        first = seen.setdefault((item.group, item.kind, item.key), item)
        if first is not item:
            where = f"{first.document.file}:{first.document.line}"
            said = f"stands in {where} too, and of two the one that is applied last stays: delete one, or rename it"
            yield item.finding(Level.ERROR, "StandsTwice", said, "metadata.name")


def check_services(canaries: Sequence[tuple[Item, CanarySpec]]) -> Iterator[Finding]:
    """Canaries that want one Service's name. One target for two is the controller's own check."""
    seen: dict[tuple[str, str], Item] = {}
    for item, spec in canaries:
        if spec.swaps:
            continue
        first = seen.setdefault((item.key.namespace, spec.service_name), item)
        if first is not item and first.key != item.key:
            said = f"{first} has Service {item.key.namespace}/{spec.service_name} too"
            way_out = "give one of them another spec.service.name"
            yield item.finding(Level.ERROR, "ServiceContested", f"{said}: {way_out}", "spec.service.name")
