"""How far an Istio VirtualService exposes clients to the canary: what must not wait when it is to become less.

Pure. Compares what was read with what is to be; writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import Manifest
from rollouts.api.wire import WEIGHT_TOTAL_MAX
from rollouts.core.routing import Routing
from rollouts.traffic.istio_mirror import mirror_percent
from rollouts.traffic.istio_rule import Hosts, canary_part
from rollouts.traffic.istio_rules import rendered_rules, rules_of
from rollouts.traffic.istio_shape import match_rule_name, rule_name, session_rule_name
from rollouts.traffic.istio_tcp import find_tcp, tcp_rules_of


@dataclass(frozen=True, slots=True)
class _Exposure:
    matched_part: int
    """The canary's share of the requests that match."""
    others_part: int
    """Its share of all others."""
    stays: bool
    """Whether its clients are kept there."""
    mirror_percent: float


def takes_away(owner: Owner, spec: CanarySpec, manifest: Manifest | None, share: Routing) -> bool:
    """Whether writing `share` takes requests from the canary and gives it none: such a write waits for no other."""
    if spec.exposure.is_tcp:
        connections = find_tcp(tcp_rules_of(manifest), Hosts.of(owner, spec)) or {}
        return (canary_part(connections, Hosts.of(owner, spec), share.weight_total) or 0) > share.weight
    before = _read(owner, spec, rules_of(manifest))
    after = _read(owner, spec, rendered_rules(owner, spec, share))
    answered = [
        (before.matched_part, after.matched_part),
        (before.others_part, after.others_part),
        (before.stays, after.stays),
    ]
    if any(old < new for old, new in answered):
        return False
    return any(old > new for old, new in (*answered, (before.mirror_percent, after.mirror_percent)))


def _read(owner: Owner, spec: CanarySpec, rules: list[Manifest]) -> _Exposure:
    """What the rules do; of several of one name, as Istio does, the first."""
    hosts = Hosts.of(owner, spec)
    named = {rule["name"]: rule for rule in reversed(rules) if "name" in rule}
    others = named.get(rule_name(owner), {})
    matched = named.get(match_rule_name(owner), others)
    return _Exposure(
        canary_part(matched, hosts, WEIGHT_TOTAL_MAX) or 0,
        canary_part(others, hosts, WEIGHT_TOTAL_MAX) or 0,
        bool(canary_part(named.get(session_rule_name(owner), {}), hosts, WEIGHT_TOTAL_MAX)),
        mirror_percent(others, hosts.is_canary),
    )
