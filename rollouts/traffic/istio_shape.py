"""What a Routing means in Istio: the rules of ours, from the narrowest to the one for everything else.

Pure. The shape follows the spec, also at rest, so that a step of a release changes weights alone; only cookies follow
the run. Which rules stand there already is not known here.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from rollouts.api.affinity import SessionAffinity
from rollouts.api.canary import CanarySpec
from rollouts.api.http_rule import as_istio
from rollouts.api.match import RequestMatch, StringMatch
from rollouts.api.ownership import Owner
from rollouts.api.resources import Manifest
from rollouts.core.routing import Routing
from rollouts.traffic.istio_cookie import match_cookie, set_cookie
from rollouts.traffic.istio_match import combined
from rollouts.traffic.istio_rule import WantedRule


def rule_name(owner: Owner) -> str:
    """The name of our rule for everything that no narrower one takes. It is always there."""
    return f"rollouts-{owner.name}"


def match_rule_name(owner: Owner) -> str:
    """The name of our rule for the requests that match the spec's `match`."""
    return f"{rule_name(owner)}-match"


def session_rule_name(owner: Owner) -> str:
    """The name of our rule for clients of the canary: with weight they stay there, without it they are sent back."""
    return f"{rule_name(owner)}-session"


def primary_session_rule_name(owner: Owner) -> str:
    """The name of our rule for clients that the primary keeps until the next step."""
    return f"{rule_name(owner)}-session-primary"


def rule_names(owner: Owner) -> tuple[str, ...]:
    """The names of all rules that may be ours, in their order."""
    return session_rule_name(owner), primary_session_rule_name(owner), match_rule_name(owner), rule_name(owner)


def wanted_rules(owner: Owner, spec: CanarySpec, share: Routing) -> tuple[WantedRule, ...]:
    """Our rules, in their order. A narrower one whose conditions can't be said beside `service.match` is left out."""
    base = _base(spec)
    narrower, last = _split(owner, spec, share)
    said = [(rule, combined(list(base), rule.match)) for rule in narrower]
    narrowed = (replace(rule, match=matches) for rule, matches in said if not isinstance(matches, str))
    return tuple(replace(rule, parts=share.weight_total) for rule in (*narrowed, replace(last, match=base)))


def match_flaw(spec: CanarySpec) -> str:
    """Why a condition of the release's can't stand beside `service.match`, for a person; empty if all can."""
    affinity = spec.analysis.session_affinity
    cookies = cookie_names(affinity)
    ours = [("analysis.match", tuple(_request(match) for match in spec.analysis.match))] if spec.analysis.match else []
    ours += [(f"the cookie {name}", (match_cookie(name, "value"),)) for name in sorted(cookies)]
    said = ((what, combined(list(_base(spec)), matches)) for what, matches in ours)
    return next((f"{what} beside service.match: {flaw}" for what, flaw in said if isinstance(flaw, str)), "")


def _base(spec: CanarySpec) -> tuple[Manifest, ...]:
    """What all of our rules take. With routes of the user's, that is the user's matter."""
    return tuple(as_istio(match) for match in spec.service.match) if spec.service is not None else ()


def _split(owner: Owner, spec: CanarySpec, share: Routing) -> tuple[tuple[WantedRule, ...], WantedRule]:
    """The narrower rules, by what is theirs alone, and the one for everything else."""
    analysis, weight, name = spec.analysis, share.weight, rule_name(owner)
    if analysis.match:
        matching = WantedRule(match_rule_name(owner), weight, tuple(_request(match) for match in analysis.match))
        return (matching,), WantedRule(name, 0 if share.matched else weight, mirror_percent=share.mirror_percent)
    affinity = analysis.session_affinity
    if affinity is None or not share.session:
        return (), WantedRule(name, weight, mirror_percent=share.mirror_percent)
    if weight == 0:
        cookie = set_cookie(affinity, affinity.cookie_name, share.session, 0)
        matches = (match_cookie(affinity.cookie_name, share.session),)
        back = WantedRule(session_rule_name(owner), 0, matches, primary_cookie=cookie)
        return (back,), WantedRule(name, 0, mirror_percent=share.mirror_percent)
    return _sticky(owner, spec, affinity, share)


def cookie_names(affinity: SessionAffinity | None) -> frozenset[str]:
    """The cookies that the spec has us give."""
    return frozenset({affinity.cookie_name, affinity.primary_cookie_name or ""} - {""}) if affinity else frozenset()


def _sticky(
    owner: Owner, spec: CanarySpec, affinity: SessionAffinity, share: Routing
) -> tuple[tuple[WantedRule, ...], WantedRule]:
    """Clients of the canary, clients of the primary, and those that have no cookie yet."""
    weight, name = share.weight, affinity.cookie_name
    stay = WantedRule(session_rule_name(owner), share.weight_total, (match_cookie(name, share.session),))
    given = set_cookie(affinity, name, share.session, affinity.max_age)
    drawn = WantedRule(rule_name(owner), weight, mirror_percent=share.mirror_percent, canary_cookie=given)
    primary_name = affinity.primary_cookie_name
    if primary_name is None or weight == share.weight_total:
        # At the total the primary gets no client, and may not even be able to serve one.
        return (stay,), drawn
    # Another value for each weight: with each step, clients of the primary are drawn anew.
    value = f"{share.session}-{weight}"
    kept = WantedRule(primary_session_rule_name(owner), 0, (match_cookie(primary_name, value),))
    cookie = set_cookie(affinity, primary_name, value, math.ceil(spec.analysis.interval_s))
    weighted = WantedRule(drawn.name, weight, (), share.mirror_percent, cookie, given)
    return (stay, kept), weighted


def _request(match: RequestMatch) -> Manifest:
    """One HTTPMatchRequest: all its conditions must hold."""
    conditions: dict[str, Any] = {
        "headers": {name: _text(text) for name, text in match.headers.items()},
        "queryParams": {name: _text(text) for name, text in match.query_params.items()},
        "uri": _text(match.uri) if match.uri is not None else {},
        "sourceLabels": dict(match.source_labels),
    }
    return {key: condition for key, condition in conditions.items() if condition}


def _text(text: StringMatch) -> dict[str, str]:
    return text.model_dump(include={"exact", "prefix", "regex"}, exclude_none=True)
