"""What the API server checks beyond types: the CEL rules of each model, and which lists are maps.

Each rule says the same as a validator of the model (canary.py, hooks.py, durations.py), in the same words where the
validator has words of ours; tests/api and tests/kube hold one table of bad Canaries against both.
"""

from __future__ import annotations

from collections.abc import Iterable

from rollouts.api import (
    alert,
    analysis,
    canary,
    durations,
    exposure,
    hooks,
    http_rule,
    scaling,
    sequential,
    subsets,
    windows,
)
from rollouts.api.canary import NO_SERVICE_NAME
from rollouts.api.exposure import SERVICE_NAME_MAX, SERVICE_NAME_PATTERN
from rollouts.api.metric_rules import BARE, METRIC_RULES
from rollouts.api.schema import Extras, Rule

_DURATION = f"{{0}}.matches('{durations.PATTERN.replace(chr(92), chr(92) * 2).replace('{', '{{').replace('}', '}}')}')"
_ASCENDING = "self.isSorted() && self.all(w, self.indexOf(w) == self.lastIndexOf(w))"
_DESCENDING = "self.map(w, -w).isSorted() && self.all(w, self.indexOf(w) == self.lastIndexOf(w))"


def matched_by(pattern: str) -> str:
    """The text matches a pattern; in CEL a backslash within quotes is written twice."""
    doubled = pattern.replace(chr(92), chr(92) * 2)
    return f"self.matches('{doubled}')"


_A_WAIT = matched_by(http_rule.WAIT_PATTERN)
_A_DURATION = matched_by(durations.PATTERN)


def _one_of(*fields: str) -> str:
    """Exactly one of them is set."""
    return " + ".join(f"(has(self.{name}) ? 1 : 0)" for name in fields) + " == 1"


def _none_of(within: str, fields: Iterable[str]) -> str:
    """None of them is set in that part."""
    part = f"self.{within}".rstrip(".")
    return " && ".join(f"!has({part}.{name})" for name in fields)


_TCP = "has({0}.appProtocol) && {0}.appProtocol.lowerAscii() == 'tcp'"
_KEYS = Rule(
    f"self.all(k, size(k) >= 1 && size(k) <= {exposure.METADATA_KEY_MAX} && !k.contains('{exposure.RESERVED}'))",
    exposure.RESERVED_KEY,
)
_TARGET_NAMES_SERVICE = (
    f"size(self.targetRef.name) <= {SERVICE_NAME_MAX} && self.targetRef.name.matches('{SERVICE_NAME_PATTERN}')"
)

_SWAPS = "size(self.subsets) > 0"
_SIZED = "!(type(self.canaryReplicas) == string && string(self.canaryReplicas) == 'auto')"
_IS_GATE = f"self.type in {sorted(map(str, hooks.GATES))}"
_HEADERS_DIFFER = "self.all(h, self.exists_one(n, n.name.lowerAscii() == h.name.lowerAscii()))"
_TAKEN_HEADER = "|".join([*(f"{name}$" for name in hooks.TAKEN_HEADERS), *hooks.TAKEN_PREFIXES])
HEADER_RULES = (
    Rule(_HEADERS_DIFFER, hooks.HEADER_TWICE),
    Rule(f"!self.exists(h, h.name.lowerAscii().matches('^({_TAKEN_HEADER})'))", hooks.HEADER_TAKEN),
)

_MAX_WEIGHT = "(has(self.analysis.maxWeight) ? self.analysis.maxWeight : self.analysis.weightTotal)"
_PARTS = ("stepWeight", "maxWeight", "stepWeightPromotion")

_WANTS_COUNTS = "(has(m.evaluation) && m.evaluation == 'sequential' || has(m.compare) && m.compare == 'primary')"
_COUNTABLE = (
    "(m.name in ['request-success-rate', 'request-duration'] || has(m.counters) || "
    f"has(m.templateRef) && {_WANTS_COUNTS})"
)
_OF_EVIDENCE = (
    f"({_COUNTABLE} && (has(m.evaluation) ? m.evaluation == 'sequential' : "
    "self.evaluation == 'sequential' || has(m.compare) && m.compare == 'primary' || has(m.counters)))"
)
_HAS_OBJECTIVE = (
    "(m.name == 'request-duration' ? has(m.threshold) || "
    "has(m.thresholdRange) && has(m.thresholdRange.max) && m.thresholdRange.max > 0.0 : has(m.objective) || "
    "m.name == 'request-success-rate' && has(m.thresholdRange) && has(m.thresholdRange.min) && "
    "m.thresholdRange.min > 0.0 && m.thresholdRange.min < 100.0)"
)

EXTRAS = Extras(
    rules={
        "CanarySpec": (
            Rule(f"has(self.targetRef) != ({_SWAPS})", canary.ONE_MODE),
            Rule("!has(self.targetRef) || has(self.service)", canary.NOT_EXPOSED),
            Rule("!has(self.targetRef) || !has(self.initialStable)", canary.STRAY),
            Rule(
                "!has(self.service) || size(self.routeRefs) == 0 || "
                "size(self.service.hosts) == 0 && self.service.gateways == ['mesh'] && !self.service.delegation && "
                f"size(self.service.match) == 0 && {_none_of('service', exposure.REQUEST_FIELDS)}",
                canary.ROUTES_ARE_YOURS,
            ),
            Rule(f"!({_SWAPS}) || !has(self.service) && size(self.routeRefs) > 0", canary.ROUTED),
            Rule(
                f"!({_SWAPS}) || size(self.subsets) == 2 && self.subsets[0].name != self.subsets[1].name && "
                "self.subsets[0].targetRef.name != self.subsets[1].targetRef.name",
                canary.TWO_SUBSETS,
            ),
            Rule(
                f"!({_SWAPS}) || !has(self.initialStable) || self.subsets.exists(s, s.name == self.initialStable)",
                canary.INITIAL_STABLE,
            ),
            Rule(
                f"!({_SWAPS}) || has(self.analysis.iterations) || (has(self.analysis.stepWeights) ? "
                f"self.analysis.stepWeights[size(self.analysis.stepWeights) - 1] : {_MAX_WEIGHT}) == "
                "self.analysis.weightTotal",
                canary.ENDS_AT_ALL,
            ),
            Rule(
                f"!({_SWAPS}) || !has(self.analysis.stepWeightPromotion) && !has(self.analysis.stepWeightsPromotion)",
                canary.NO_WAY_BACK,
            ),
            Rule(f"!({_SWAPS}) || !has(self.autoscalerRef) && !({_SIZED})", canary.SCALED_BY_USER),
            Rule(
                "!has(self.targetRef) || self.targetRef.kind != 'DaemonSet' || "
                f"!has(self.autoscalerRef) && !({_SIZED})",
                canary.ON_EVERY_NODE,
            ),
            Rule(
                f"{_SWAPS} || !({_SIZED}) || (has(self.analysis.iterations) ? size(self.analysis.match) > 0 : "
                "(has(self.analysis.stepWeights) ? self.analysis.stepWeights[size(self.analysis.stepWeights) - 1] : "
                f"{_MAX_WEIGHT}) < self.analysis.weightTotal)",
                canary.FEW_FOR_ALL,
            ),
            Rule(
                f"!has(self.service) || !({_TCP.format('self.service')}) || size(self.analysis.match) == 0 && "
                "!self.analysis.mirror && !has(self.analysis.sessionAffinity)",
                canary.SHARES_CONNECTIONS,
            ),
            Rule(
                f"!has(self.targetRef) || !has(self.service) || has(self.service.name) || ({_TARGET_NAMES_SERVICE})",
                NO_SERVICE_NAME,
            ),
        ),
        "CanaryService": (
            Rule(
                "!self.delegation || size(self.hosts) == 0 && self.gateways == ['mesh']",
                exposure.DELEGATED,
            ),
            Rule(
                f"!({_TCP.format('self')}) || size(self.match) == 0 && {_none_of('', exposure.REQUEST_FIELDS)}",
                exposure.TCP_ONLY,
            ),
        ),
        "ExtraMetadata.labels": (_KEYS,),
        "ExtraMetadata.annotations": (_KEYS,),
        "PresenceMatch": (
            Rule(
                " + ".join(f"(has(self.{way}) ? 1 : 0)" for way in ("exact", "prefix", "regex")) + " <= 1",
                http_rule.ONE_WAY_AT_MOST,
            ),
        ),
        "ServiceMatch": (
            Rule(
                "size(self.headers) + size(self.withoutHeaders) + size(self.queryParams) + size(self.sourceLabels) + "
                "size(self.gateways) > 0 || "
                + " || ".join(
                    f"has(self.{name})" for name in ("uri", "scheme", "method", "authority", "sourceNamespace", "port")
                ),
                http_rule.NO_CONDITION,
            ),
        ),
        "Rewrite": (
            Rule(
                "(has(self.uri) || has(self.authority) || has(self.uriRegexRewrite)) && "
                "!(has(self.uri) && has(self.uriRegexRewrite))",
                http_rule.NO_REWRITE,
            ),
        ),
        "Abort": (Rule(_one_of("httpStatus", "grpcStatus"), http_rule.ONE_ABORT),),
        "Fault": (Rule("has(self.delay) || has(self.abort)", http_rule.NO_FAULT),),
        "AutoscalerRef": (
            Rule("(self.kind == 'ScaledObject') == self.apiVersion.startsWith('keda.sh/')", scaling.KIND_OF_VERSION),
            Rule("self.kind == 'ScaledObject' || size(self.primaryScalerQueries) == 0", scaling.QUERIES_OF_KEDA),
        ),
        "AutoscalerRef.primaryScalerQueries": (
            Rule(f"self.all(k, size(k) >= 1 && size(k) <= {scaling.TRIGGER_MAX})", scaling.LONG_TRIGGER),
        ),
        "ScalerReplicas": (
            Rule(
                "!has(self.minReplicas) || !has(self.maxReplicas) || self.minReplicas <= self.maxReplicas",
                scaling.BOUNDS,
            ),
        ),
        "Analysis": (
            Rule(
                _one_of("stepWeight", "stepWeights", "iterations"),
                analysis.ONE_SCHEDULE,
            ),
            Rule(
                "!has(self.stepWeightPromotion) && !has(self.stepWeightsPromotion) || !has(self.iterations) && "
                "has(self.stepWeightPromotion) != has(self.stepWeightsPromotion)",
                analysis.WAY_BACK,
            ),
            Rule(
                "size(self.stepDwells) == 0 || !has(self.iterations) && "
                "(!has(self.stepWeights) || size(self.stepDwells) <= size(self.stepWeights))",
                analysis.DWELLS,
            ),
            Rule(
                " && ".join(
                    [
                        *(f"(!has(self.{field}) || self.{field} <= self.weightTotal)" for field in _PARTS),
                        *(
                            f"(!has(self.{field}) || self.{field}.all(w, w <= self.weightTotal))"
                            for field in ("stepWeights", "stepWeightsPromotion")
                        ),
                    ]
                ),
                analysis.ABOVE_TOTAL,
            ),
            Rule(
                "!has(self.stepWeight) || self.stepWeight < 1 || "
                "(has(self.maxWeight) ? self.maxWeight : self.weightTotal) <= "
                f"{analysis.STEPS_OF_ONE_SIZE_MAX} * self.stepWeight",
                analysis.MANY_STEPS,
            ),
            Rule(
                "!has(self.stepDuration) || !has(self.iterations) && size(self.stepDwells) == 0",
                sequential.STEP_DURATION,
            ),
            Rule(
                f"!has(self.stepDuration) || !{_DURATION.format('self.stepDuration')} || "
                f"!{_DURATION.format('self.maxHold')} || duration(self.stepDuration) <= duration(self.maxHold)",
                sequential.HOLD_FOR_STEP,
            ),
            Rule(f"self.metrics.all(m, !{_WANTS_COUNTS} || {_COUNTABLE})", sequential.COUNTS_ONLY),
            Rule(
                "self.metrics.all(m, !has(m.compare) || m.compare != 'primary' || !has(m.evaluation) || "
                "m.evaluation != 'threshold')",
                sequential.NO_COMPARISON,
            ),
            Rule(f"self.metrics.all(m, !{_OF_EVIDENCE} || {_HAS_OBJECTIVE})", sequential.NO_OBJECTIVE),
            Rule(
                f"!self.metrics.exists(m, {_OF_EVIDENCE}) || size(self.metrics) + {sequential.ROOM} * "
                f"size(self.metrics.filter(m, {_OF_EVIDENCE})) <= {sequential.METRICS_MAX}",
                sequential.TOO_MANY,
            ),
            Rule("!self.mirror || size(self.match) == 0", analysis.MIRROR),
            Rule("self.mirror || !has(self.mirrorWeight)", analysis.MIRROR_WEIGHT),
            Rule("!has(self.sessionAffinity) || !has(self.iterations) && size(self.match) == 0", analysis.AFFINITY),
            Rule(
                "self.metrics.exists(m, !has(m.dryRun) || !m.dryRun) || self.webhooks.exists(w, w.type == 'rollout')",
                analysis.EVIDENCE,
            ),
            Rule(
                "!self.mirror || self.metrics.all(m, !has(m.reporter) || m.reporter == 'destination')", analysis.COPIES
            ),
        ),
        **METRIC_RULES,
        "Analysis.stepWeights": (Rule(_ASCENDING, analysis.ASCENDING),),
        "Analysis.stepWeightsPromotion": (Rule(_DESCENDING, analysis.DESCENDING),),
        "Analysis.metrics": (Rule("self.all(m, self.exists_one(n, n.name == m.name))", analysis.METRIC_NAMES),),
        "Analysis.webhooks": (Rule("self.all(h, self.exists_one(n, n.name == h.name))", analysis.HOOK_NAMES),),
        "Analysis.alerts": (Rule("self.all(a, self.exists_one(n, n.name == a.name))", alert.ALERT_NAMES),),
        "StringMatch": (
            Rule(
                _one_of("exact", "prefix", "regex"),
                "set exactly one of exact, prefix and regex",
            ),
        ),
        "RequestMatch": (
            Rule(
                "size(self.headers) + size(self.queryParams) + size(self.sourceLabels) > 0 || has(self.uri)",
                "a match needs headers, queryParams, uri or sourceLabels: without any it takes everything",
            ),
        ),
        "SessionAffinity": (
            Rule(
                "!has(self.primaryCookieName) || self.primaryCookieName != self.cookieName",
                "cookieName and primaryCookieName must differ",
            ),
        ),
        "RouteRef": (
            Rule(
                "(self.rules + self.canaryRules).all(r, (self.rules + self.canaryRules).exists_one(n, n == r))",
                subsets.RULE_TWICE,
            ),
        ),
        "TlsRoutes": (Rule("has(self.port) || size(self.sniHosts) > 0", subsets.TLS_EMPTY),),
        "Window": (
            Rule(
                f"!self.duration.matches('{durations.PATTERN.replace(chr(92), chr(92) * 2)}') || "
                "duration(self.duration) <= duration('168h')",
                windows.TOO_LONG,
            ),
        ),
        "ThresholdRange": (
            Rule("has(self.min) || has(self.max)", "thresholdRange needs min, max or both"),
            Rule("!has(self.min) || !has(self.max) || self.min <= self.max", "thresholdRange: min is above max"),
        ),
        "Webhook": (
            Rule(f"has(self.url) || {_IS_GATE}", hooks.NO_URL),
            Rule(f"!has(self.deadline) || {_IS_GATE}", hooks.NO_GATE),
            Rule("!has(self.approvals) || self.approvals == 1 || !has(self.url)", hooks.NO_PERSONS),
        ),
        "Webhook.metadata": (
            Rule(f"self.all(k, size(k) >= 1 && size(k) <= {hooks.METADATA_KEY_MAX})", hooks.LONG_KEY),
        ),
        "Webhook.headersFrom": HEADER_RULES,
    },
    bare=BARE,
    map_keys={"CanaryStatus.conditions": "type"},
    pattern_rules={
        SERVICE_NAME_PATTERN: (
            Rule(
                matched_by(SERVICE_NAME_PATTERN),
                "write lower-case letters, digits and dashes, a letter first and no dash last",
            ),
        ),
        subsets.SUBSET_PATTERN: (
            Rule(matched_by(subsets.SUBSET_PATTERN), "write the name of a subset of your DestinationRule"),
        ),
        scaling.SIZE_PATTERN: (
            Rule(f"type(self) == int || string(self).matches('{scaling.SIZE_PATTERN}')", scaling.SIZE),
        ),
        hooks.URL_PATTERN: (
            Rule(matched_by(hooks.URL_PATTERN), "write a URL such as https://host/path, in plain ASCII"),
        ),
        hooks.SECRET_NAME_PATTERN: (
            Rule(matched_by(hooks.SECRET_NAME_PATTERN), "write the name of an object, as kubectl shows it"),
        ),
        alert.NAMESPACE_PATTERN: (Rule(matched_by(alert.NAMESPACE_PATTERN), "write the name of a namespace"),),
        hooks.SECRET_KEY_PATTERN: (Rule(matched_by(hooks.SECRET_KEY_PATTERN), "write a key of the Secret's data"),),
        hooks.HEADER_PATTERN: (
            Rule(matched_by(hooks.HEADER_PATTERN), "write the name of a header, such as Authorization"),
        ),
        windows.CRON_PATTERN: (Rule(matched_by(windows.CRON_PATTERN), windows.CRON_SHAPE),),
        windows.ZONE_PATTERN: (Rule(matched_by(windows.ZONE_PATTERN), windows.ZONE_SHAPE),),
        http_rule.WAIT_PATTERN: (
            Rule(_A_WAIT, "write a duration such as 10s or 1m30s"),
            Rule(f"!{_A_WAIT} || duration(self) >= duration('1ms')", http_rule.TOO_BRIEF),
        ),
        durations.SPAN_PATTERN: (Rule(matched_by(durations.SPAN_PATTERN), durations.SPAN),),
        durations.PATTERN: (
            Rule(_A_DURATION, "write a duration such as 10s or 1m30s"),
            Rule(f"!{_A_DURATION} || duration(self) >= duration('1s')", "too short: the least is 1s"),
        ),
    },
)
