"""Who is asked and told by a Canary of Flagger's: webhooks, alerts, and the AlertProviders that these name."""

from __future__ import annotations

from typing import Any

from rollouts.convert.flagger_names import namespaces_that_name
from rollouts.convert.inputs import OURS, Inputs, Source
from rollouts.convert.ledger import Cursor, copied
from rollouts.convert.words import seconds

_TYPES = frozenset({
    "confirm-rollout", "pre-rollout", "rollout", "confirm-traffic-increase", "confirm-promotion", "post-rollout",
    "rollback", "event",
})  # fmt: skip
_SERVICES = {"slack": "slack", "msteams": "msteams", "discord": "discord", "gchat": "googlechat"}
_SEVERITIES = frozenset({"info", "warn", "error"})


def hooks_of(source: Cursor) -> dict[str, Any]:
    """All that are called."""
    made: list[dict[str, Any]] = []
    for one in source.items("webhooks"):
        hook = _hook(one)
        if hook is None:
            continue
        if any(hook["name"] == other["name"] for other in made):
            one.changed("each name may stand once", "name")
            hook["name"] = f"{hook['name'][:60]}-{len(made) + 1}"
        made.append(hook)
    return {"webhooks": made} if made else {}


def _hook(source: Cursor) -> dict[str, Any] | None:
    kind = str(source.at("type").value or "")
    if kind and kind not in _TYPES:
        source.lost(f"there is no hook of type {kind}")
        return None
    out = copied(source, ("name", "url", "disableTLS", "muteAlert"))
    if kind:
        out["type"] = source.text("type")
    else:
        source.needless("it is of type rollout", "type")
    out.setdefault("name", kind or "rollout")
    if len(str(out["name"])) > 63:
        source.changed("names have up to 63 characters", "name")
        out["name"] = str(out["name"])[:63]
    timeout = source.text("timeout")
    if (seconds(timeout) or 0) >= 1:
        out["timeout"] = timeout if not timeout.isdigit() else f"{timeout}s"
    elif timeout:
        source.changed("10s, the least is 1s", "timeout")
    tries = source.number("retries")
    if tries is not None:
        out["retries"] = min(tries, 10)
        if tries > 10:
            source.changed("10 at the most", "retries")
    told = source.at("metadata")
    if told.names():
        out["metadata"] = {key: told.text(key) for key in told.names()}
    return out


def alerts_of(source: Cursor) -> dict[str, Any]:
    """Which providers hear of it."""
    made = [_alert(one, index) for index, one in enumerate(source.items("alerts"))]
    return {"alerts": made} if made else {}


def _alert(source: Cursor, index: int) -> dict[str, Any]:
    out = copied(source, ("name",))
    out.setdefault("name", f"alert-{index + 1}")
    if str(source.at("severity").value or "") in _SEVERITIES:
        out["severity"] = source.text("severity")
    elif source.has("severity"):
        source.changed("info, as is meant there", "severity")
    out["providerRef"] = copied(source.at("providerRef"), ("name", "namespace"))
    return out


def convert_provider(inputs: Inputs, source: Source) -> None:
    """One AlertProvider to one of ours; an address in it to a Secret."""
    source.accept()
    spec = source.spec
    kind = str(spec.at("type").value or "")
    if kind not in _SERVICES:
        spec.lost(
            f"type {kind or '(none)'} is told by nothing here: use slack, msteams, discord, googlechat or webhook"
        )
        source.root.needless("nothing is made of it", "metadata")
        return
    out: dict[str, Any] = {"type": _SERVICES[kind]}
    spec.take("type")
    if kind == "gchat":
        spec.changed("it is written googlechat", "type")
    out |= copied(spec, ("channel", "username", "proxy"))
    secret: list[dict[str, Any]] = []
    if spec.has("secretRef"):
        out["secretRef"] = copied(spec.at("secretRef"), ("name",))
        spec.lost("secretRef has the address", "address")
    elif spec.text("address"):
        name = f"{source.name}-address"
        out["secretRef"] = {"name": name}
        metadata = {"name": name} | ({"namespace": source.namespace} if source.namespace else {})
        secret.append({"apiVersion": "v1", "kind": "Secret", "metadata": metadata,
                       "stringData": {"address": spec.text("address")}})  # fmt: skip
        spec.changed(f"whoever has it can post, so it stands in Secret {name}: better make that by hand", "address")
    if told := namespaces_that_name(inputs, source, "alerts", "providerRef"):
        out["namespaces"] = told
        spec.added(f"namespaces: {', '.join(told)}, whose Canaries name it")
    made = {"apiVersion": OURS, "kind": "AlertProvider", "metadata": source.metadata(), "spec": out}
    source.made += [made, *secret]
