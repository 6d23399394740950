"""One good Canary, and the table of bad ones that both the models and the API server must refuse."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rollouts.api import analysis, canary, durations, exposure, http_rule, scaling, sequential, subsets, windows
from tests.api.bad_metrics import BAD_METRICS, DURATION, SUCCESS_RATE

ABSENT = object()
"""In a change: the field is left out."""


@dataclass(frozen=True, slots=True)
class BadCanary:
    """What is changed in the good spec, and the words with which each side refuses it."""

    name: str
    changes: Mapping[str, Any]
    at: str
    """Where the API server says it is: a path below `spec`; empty for the spec itself."""
    says: str
    """Words of the API server's message."""
    model_says: str = ""
    """Words of the model's message, where they differ."""

    def spec(self) -> dict[str, Any]:
        """The bad spec."""
        spec = good_spec()
        for path, value in self.changes.items():
            *parents, last = path.split(".")
            node = spec
            for parent in parents:
                node = node[parent]
            if value is ABSENT:
                del node[last]
            else:
                node[last] = value
        return spec


def good_spec() -> dict[str, Any]:
    """The smallest spec that is accepted."""
    return {
        "targetRef": {"name": "app"},
        "service": {"port": 80},
        "analysis": {"stepWeight": 10, "metrics": [copy.deepcopy(SUCCESS_RATE)]},
    }


def manifest(spec: dict[str, Any], name: str = "app") -> dict[str, Any]:
    """A Canary in the namespace `default`."""
    return {
        "apiVersion": "rollouts.dev/v1beta1",
        "kind": "Canary",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


def _metric(**changes: object) -> list[dict[str, Any]]:
    return [{**SUCCESS_RATE, **changes}]


_COUNTERS = {"bad": "failed_total", "total": "handled_total"}
_MISSING = {"says": "Required value", "model_says": "Field required"}
_A_DURATION = {"says": "write a duration such as 10s or 1m30s"}
_TOO_SHORT = "too short: the least is 1s"
_GATE = {"type": "confirm-rollout", "name": "gate"}
_MATCH = {"headers": {"x-canary": {"exact": "yes"}}}
_COOKIE = {"cookieName": "track"}
_ITERATIONS = {"analysis.stepWeight": ABSENT, "analysis.iterations": 5}
_ONE_SCHEDULE = analysis.ONE_SCHEDULE
_ASCENDING = "stepWeights must ascend: each weight greater than the one before"
_WEIGHTS = {"analysis.stepWeight": ABSENT}
_V1, _V2 = ({"name": name, "targetRef": {"name": f"app-{name}"}} for name in ("v1", "v2"))
_HPA = {"kind": "HorizontalPodAutoscaler", "name": "app"}
_KEDA = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "app"}
_ON_NODES = {"targetRef.kind": "DaemonSet"}
_UNSIZED = {"analysis.maxWeight": 50}
_SUBSETS = {"targetRef": ABSENT, "service": ABSENT, "subsets": [_V1, _V2], "routeRefs": [{"name": "app"}]}

_WINDOW = {"schedule": "0 9 * * MON-FRI", "duration": "8h", "timeZone": "Europe/Berlin"}
_BAD_WINDOWS = (
    ("six fields", {"schedule": "0 0 9 * * 1"}, ".schedule", "write five fields of cron"),
    ("a name for a schedule", {"schedule": "@daily"}, ".schedule", "write five fields of cron"),
    ("an offset for a zone", {"timeZone": "UTC+02:00"}, ".timeZone", "write a name such as Europe/Berlin"),
    ("no duration at all", {"duration": "0s"}, ".duration", "too short: the least is 1s"),
    ("days", {"duration": "1d"}, ".duration", "write a duration such as 10s or 1m30s"),
    ("more than a week", {"duration": "169h"}, "", windows.TOO_LONG),
)

BAD = (
    BadCanary("no target", {"targetRef": ABSENT}, "", canary.ONE_MODE),
    BadCanary("no service", {"service": ABSENT}, "", canary.NOT_EXPOSED),
    BadCanary("both modes", {"subsets": [_V1, _V2]}, "", canary.ONE_MODE),
    BadCanary(
        "hosts of ours with routes of the user",
        {"routeRefs": [{"name": "app"}], "service.hosts": ["app.example.com"]},
        "",
        canary.ROUTES_ARE_YOURS,
    ),
    BadCanary("a first side with a target", {"initialStable": "v1"}, "", canary.STRAY),
    BadCanary("one subset", {**_SUBSETS, "subsets": [_V1]}, "", canary.TWO_SUBSETS),
    BadCanary("a subset twice", {**_SUBSETS, "subsets": [_V1, {**_V2, "name": "v1"}]}, "", canary.TWO_SUBSETS),
    BadCanary("a workload twice", {**_SUBSETS, "subsets": [_V1, {**_V1, "name": "v2"}]}, "", canary.TWO_SUBSETS),
    BadCanary("three subsets", {**_SUBSETS, "subsets": [_V1, _V2, _V2]}, "subsets", "must have at most 2", "at most 2"),
    BadCanary(
        "a subset named with a blank",
        {**_SUBSETS, "subsets": [_V1, {**_V2, "name": "v 2"}]},
        "subsets[1].name",
        "write the name of a subset",
        "should match pattern",
    ),
    *(
        BadCanary(f"a window with {name}", {"windows": [{**_WINDOW, **changes}]}, f"windows[0]{at}", says)
        for name, changes, at, says in _BAD_WINDOWS
    ),
    BadCanary(
        "too many windows", {"windows": [_WINDOW] * 17}, "windows", "must have at most 16", "should have at most 16"
    ),
    BadCanary(
        "an effect of another name",
        {"windows": [{**_WINDOW, "effect": "freeze"}]},
        "windows[0].effect",
        'supported values: "allow", "deny"',
        "Input should be 'allow' or 'deny'",
    ),
    BadCanary(
        "another way to close",
        {"onClose": "rollback"},
        "onClose",
        'supported values: "hold", "finish"',
        "Input should be 'hold' or 'finish'",
    ),
    BadCanary("no route", {**_SUBSETS, "routeRefs": []}, "", canary.ROUTED),
    BadCanary(
        "a rule in both lists",
        {**_SUBSETS, "routeRefs": [{"name": "app", "rules": ["a"], "canaryRules": ["a"]}]},
        "routeRefs[0]",
        subsets.RULE_TWICE,
    ),
    BadCanary(
        "tls routes without a word",
        {**_SUBSETS, "routeRefs": [{"name": "app", "tls": [{"sniHosts": []}]}]},
        "routeRefs[0].tls[0]",
        subsets.TLS_EMPTY,
    ),
    BadCanary("a service with subsets", {**_SUBSETS, "service": {"port": 80}}, "", canary.ROUTED),
    BadCanary("a third at first", {**_SUBSETS, "initialStable": "v3"}, "", canary.INITIAL_STABLE),
    BadCanary("a last weight below all", {**_SUBSETS, "analysis.maxWeight": 50}, "", canary.ENDS_AT_ALL),
    BadCanary(
        "listed weights below all",
        {**_SUBSETS, "analysis.stepWeight": ABSENT, "analysis.stepWeights": [10, 50]},
        "",
        canary.ENDS_AT_ALL,
    ),
    BadCanary("a way back with subsets", {**_SUBSETS, "analysis.stepWeightPromotion": 50}, "", canary.NO_WAY_BACK),
    BadCanary("an autoscaler with subsets", {**_SUBSETS, "autoscalerRef": _HPA}, "", canary.SCALED_BY_USER),
    BadCanary("a size with subsets", {**_SUBSETS, "canaryReplicas": "50%"}, "", canary.SCALED_BY_USER),
    BadCanary("an autoscaler of a DaemonSet", {**_ON_NODES, "autoscalerRef": _HPA}, "", canary.ON_EVERY_NODE),
    BadCanary("a size of a DaemonSet", {**_ON_NODES, **_UNSIZED, "canaryReplicas": 2}, "", canary.ON_EVERY_NODE),
    BadCanary("few pods for all requests", {"canaryReplicas": 2}, "", canary.FEW_FOR_ALL),
    BadCanary(
        "few pods for the last of the listed weights",
        {"analysis.stepWeight": ABSENT, "analysis.stepWeights": [10, 100], "canaryReplicas": "10%"},
        "",
        canary.FEW_FOR_ALL,
    ),
    BadCanary("few pods for blue-green", {**_ITERATIONS, "canaryReplicas": 2}, "", canary.FEW_FOR_ALL),
    BadCanary(
        "no pods",
        {**_UNSIZED, "canaryReplicas": 0},
        "canaryReplicas",
        "a number must be from 1",
        "greater than or equal to 1",
    ),
    BadCanary(
        "a size in words", {**_UNSIZED, "canaryReplicas": "two"}, "canaryReplicas", scaling.SIZE, "should match pattern"
    ),
    BadCanary(
        "a size above all",
        {**_UNSIZED, "canaryReplicas": "101%"},
        "canaryReplicas",
        scaling.SIZE,
        "should match pattern",
    ),
    BadCanary(
        "KEDA's version of Kubernetes' kind",
        {"autoscalerRef": {**_HPA, "apiVersion": "keda.sh/v1alpha1"}},
        "autoscalerRef",
        scaling.KIND_OF_VERSION,
    ),
    BadCanary(
        "queries of an autoscaler without any",
        {"autoscalerRef": {**_HPA, "primaryScalerQueries": {"rps": "vector(1)"}}},
        "autoscalerRef",
        scaling.QUERIES_OF_KEDA,
    ),
    BadCanary(
        "a query of a nameless trigger",
        {"autoscalerRef": {**_KEDA, "primaryScalerQueries": {"": "vector(1)"}}},
        "autoscalerRef.primaryScalerQueries",
        scaling.LONG_TRIGGER,
    ),
    BadCanary(
        "a least above the most",
        {"autoscalerRef": {**_HPA, "primaryScalerReplicas": {"minReplicas": 3, "maxReplicas": 2}}},
        "autoscalerRef.primaryScalerReplicas",
        scaling.BOUNDS,
    ),
    BadCanary("an autoscaler without a name", {"autoscalerRef": {}}, "autoscalerRef.name", **_MISSING),
    BadCanary(
        "hosts of a delegate", {"service.delegation": True, "service.hosts": ["a.b"]}, "service", exposure.DELEGATED
    ),
    BadCanary(
        "gateways of a delegate",
        {"service.delegation": True, "service.gateways": ["in"]},
        "service",
        exposure.DELEGATED,
    ),
    BadCanary(
        "requests of connections", {"service.appProtocol": "TCP", "service.timeout": "1s"}, "service", exposure.TCP_ONLY
    ),
    BadCanary(
        "an A/B test of connections",
        {"service.appProtocol": "tcp", **_ITERATIONS, "analysis.match": [_MATCH]},
        "",
        canary.SHARES_CONNECTIONS,
    ),
    BadCanary(
        "cookies of connections",
        {"service.appProtocol": "tcp", "analysis.sessionAffinity": _COOKIE},
        "",
        canary.SHARES_CONNECTIONS,
    ),
    BadCanary("a route for nothing", {"service.match": [{}]}, "service.match[0]", http_rule.NO_CONDITION),
    BadCanary(
        "two ways to compare a header",
        {"service.match": [{"headers": {"x": {"exact": "a", "regex": "a"}}}]},
        "service.match[0].headers[x]",
        http_rule.ONE_WAY_AT_MOST,
    ),
    BadCanary("a rewrite of nothing", {"service.rewrite": {}}, "service.rewrite", http_rule.NO_REWRITE),
    BadCanary("no fault", {"service.fault": {}}, "service.fault", http_rule.NO_FAULT),
    BadCanary(
        "an abort without a status", {"service.fault": {"abort": {}}}, "service.fault.abort", http_rule.ONE_ABORT
    ),
    BadCanary("no time at all", {"service.timeout": "0s"}, "service.timeout", http_rule.TOO_BRIEF),
    BadCanary("a time in words", {"service.timeout": "long"}, "service.timeout", **_A_DURATION),
    BadCanary(
        "a label of the controller's",
        {"service.apex": {"labels": {"rollouts.dev/canary-uid": "x"}}},
        "service.apex.labels",
        exposure.RESERVED_KEY,
    ),
    BadCanary("no port", {"service": {}}, "service.port", **_MISSING),
    BadCanary("no metrics", {"analysis.metrics": ABSENT}, "analysis", "nothing is promoted without evidence"),
    BadCanary(
        "a gate is no evidence",
        {"analysis.metrics": [], "analysis.webhooks": [_GATE]},
        "analysis",
        "nothing is promoted without evidence",
    ),
    BadCanary("hook twice", {"analysis.webhooks": [_GATE, _GATE]}, "analysis.webhooks", analysis.HOOK_NAMES),
    BadCanary("weights and iterations", {"analysis.iterations": 5}, "analysis", _ONE_SCHEDULE),
    BadCanary(
        "no iteration", {**_ITERATIONS, "analysis.iterations": 0}, "analysis.iterations", "greater than or equal to 1"
    ),
    BadCanary(
        "back in two ways",
        {"analysis.stepWeightPromotion": 50, "analysis.stepWeightsPromotion": [50]},
        "analysis",
        analysis.WAY_BACK,
    ),
    BadCanary(
        "back without weights", {**_ITERATIONS, "analysis.stepWeightPromotion": 50}, "analysis", analysis.WAY_BACK
    ),
    BadCanary(
        "back upward", {"analysis.stepWeightsPromotion": [10, 20]}, "analysis.stepWeightsPromotion", analysis.DESCENDING
    ),
    BadCanary(
        "back twice the same",
        {"analysis.stepWeightsPromotion": [20, 20]},
        "analysis.stepWeightsPromotion",
        analysis.DESCENDING,
    ),
    BadCanary("dwells without weights", {**_ITERATIONS, "analysis.stepDwells": ["1m"]}, "analysis", analysis.DWELLS),
    BadCanary(
        "more dwells than steps",
        {**_WEIGHTS, "analysis.stepWeights": [10], "analysis.stepDwells": ["1m", "2m"]},
        "analysis",
        analysis.DWELLS,
    ),
    BadCanary("a dwell in words", {"analysis.stepDwells": ["long"]}, "analysis.stepDwells[0]", **_A_DURATION),
    BadCanary(
        "mirror of what matches", {"analysis.mirror": True, "analysis.match": [_MATCH]}, "analysis", analysis.MIRROR
    ),
    BadCanary("share of no mirror", {"analysis.mirrorWeight": 50}, "analysis", analysis.MIRROR_WEIGHT),
    BadCanary(
        "affinity of an A/B test",
        {"analysis.sessionAffinity": _COOKIE, "analysis.match": [_MATCH]},
        "analysis",
        analysis.AFFINITY,
    ),
    BadCanary(
        "affinity of blue-green", {**_ITERATIONS, "analysis.sessionAffinity": _COOKIE}, "analysis", analysis.AFFINITY
    ),
    BadCanary(
        "one cookie for both",
        {"analysis.sessionAffinity": {**_COOKIE, "primaryCookieName": "track"}},
        "analysis.sessionAffinity",
        "cookieName and primaryCookieName must differ",
    ),
    BadCanary("match of everything", {"analysis.match": [{}]}, "analysis.match[0]", "a match needs headers"),
    BadCanary(
        "two ways to compare",
        {"analysis.match": [{"uri": {"exact": "/", "prefix": "/"}}]},
        "analysis.match[0].uri",
        "set exactly one of exact, prefix and regex",
    ),
    BadCanary(
        "target of another kind",
        {"targetRef.kind": "StatefulSet"},
        "targetRef.kind",
        'supported values: "Deployment"',
        "Input should be 'Deployment'",
    ),
    BadCanary(
        "empty target name", {"targetRef.name": ""}, "targetRef.name", "at least 1 chars", "at least 1 character"
    ),
    BadCanary(
        "target name too long for a copy",
        {"targetRef.name": "a" * 246},
        "targetRef.name",
        "than 245",
        "at most 245 char",
    ),
    BadCanary("target names no Service", {"targetRef.name": "my.app"}, "", "set service.name: targetRef.name can't be"),
    BadCanary("target too long for a Service", {"targetRef.name": "a" * 56}, "", "set service.name: targetRef.name"),
    BadCanary(
        "service name too long for a copy",
        {"service.name": "a" * 56},
        "service.name",
        "may not be more than 55 bytes",
        "at most 55 characters",
    ),
    BadCanary(
        "service name with a digit first",
        {"service.name": "1app"},
        "service.name",
        "a letter first and no dash last",
        "should match pattern",
    ),
    BadCanary("port 0", {"service.port": 0}, "service.port", "greater than or equal to 1"),
    BadCanary("port 65536", {"service.port": 65536}, "service.port", "less than or equal to 65535"),
    BadCanary(
        "target port 65536",
        {"service.targetPort": 65536},
        "service.targetPort",
        "a number must be from 1 to 65535",
        "less than or equal to 65535",
    ),
    BadCanary(
        "target port with a dot",
        {"service.targetPort": "http.web"},
        "service.targetPort",
        "lower-case letters, digits and dashes",
        "should match pattern",
    ),
    BadCanary("no gateway", {"service.gateways": []}, "service.gateways", "at least 1 item"),
    BadCanary("no schedule", {"analysis.stepWeight": ABSENT}, "analysis", _ONE_SCHEDULE),
    BadCanary("two schedules", {"analysis.stepWeights": [10, 20]}, "analysis", _ONE_SCHEDULE),
    BadCanary("weight falls", {**_WEIGHTS, "analysis.stepWeights": [10, 5]}, "analysis.stepWeights", _ASCENDING),
    BadCanary("weight twice", {**_WEIGHTS, "analysis.stepWeights": [10, 10]}, "analysis.stepWeights", _ASCENDING),
    BadCanary("weight above 100", {**_WEIGHTS, "analysis.stepWeights": [10, 101]}, "analysis", "weightTotal"),
    BadCanary(
        "weight above weightTotal", {"analysis.weightTotal": 200, "analysis.maxWeight": 300}, "analysis", "weightTotal"
    ),
    BadCanary(
        "weightTotal above 10000",
        {"analysis.weightTotal": 20000},
        "analysis.weightTotal",
        "less than or equal to 10000",
    ),
    BadCanary(
        "hundreds of steps",
        {"analysis.weightTotal": 1000, "analysis.stepWeight": 1},
        "analysis",
        "no more than 100 steps",
    ),
    BadCanary("step of 0", {"analysis.stepWeight": 0}, "analysis.stepWeight", "greater than or equal to 1"),
    BadCanary("threshold 0", {"analysis.threshold": 0}, "analysis.threshold", "greater than or equal to 1"),
    BadCanary("interval in words", {"analysis.interval": "soon"}, "analysis.interval", **_A_DURATION),
    BadCanary("interval without unit", {"analysis.interval": "10"}, "analysis.interval", **_A_DURATION),
    BadCanary("interval under a second", {"analysis.interval": "999ms"}, "analysis.interval", _TOO_SHORT),
    BadCanary(
        "look-back of 0", {"analysis.metrics": _metric(interval="0s")}, "analysis.metrics[0].interval", _TOO_SHORT
    ),
    BadCanary(
        "range without an end",
        {"analysis.metrics": _metric(thresholdRange={})},
        "analysis.metrics[0].thresholdRange",
        "thresholdRange needs min, max or both",
    ),
    BadCanary(
        "range upside down",
        {"analysis.metrics": _metric(thresholdRange={"min": 99.5, "max": 99})},
        "analysis.metrics[0].thresholdRange",
        "thresholdRange: min is above max",
        "thresholdRange: min 99.5 is above max 99",
    ),
    BadCanary(
        "counts of a query",
        {"analysis.metrics": [{"name": "queue-depth", "query": "depth", "evaluation": "sequential"}]},
        "analysis",
        sequential.COUNTS_ONLY,
    ),
    BadCanary(
        "a comparison of a query",
        {"analysis.metrics": [{"name": "queue-depth", "query": "depth", "compare": "primary"}]},
        "analysis",
        sequential.COUNTS_ONLY,
    ),
    BadCanary(
        "a comparison by threshold",
        {"analysis.metrics": _metric(compare="primary", evaluation="threshold")},
        "analysis",
        sequential.NO_COMPARISON,
    ),
    BadCanary(
        "evidence without an objective",
        {"analysis.evaluation": "sequential", "analysis.metrics": _metric(thresholdRange={"max": 99})},
        "analysis",
        sequential.NO_OBJECTIVE,
    ),
    BadCanary(
        "evidence for perfection",
        {"analysis.metrics": _metric(thresholdRange={"min": 100}, evaluation="sequential")},
        "analysis",
        sequential.NO_OBJECTIVE,
    ),
    BadCanary(
        "evidence of slowness without a limit",
        {"analysis.metrics": [{"name": "request-duration", "objective": 99, "compare": "primary"}]},
        "analysis",
        sequential.NO_OBJECTIVE,
    ),
    BadCanary(
        "evidence of too much",
        {"analysis.metrics": [{"name": f"counted-{n}", "counters": _COUNTERS, "objective": 99} for n in range(5)]},
        "analysis",
        sequential.TOO_MANY,
    ),
    BadCanary(
        "step durations twice",
        {"analysis.stepDuration": "1m", "analysis.stepDwells": ["1m"]},
        "analysis",
        sequential.STEP_DURATION,
    ),
    BadCanary(
        "a step's duration without steps",
        {**_ITERATIONS, "analysis.stepDuration": "1m"},
        "analysis",
        sequential.STEP_DURATION,
    ),
    BadCanary(
        "a step longer than its hold",
        {"analysis.stepDuration": "2m", "analysis.maxHold": "1m"},
        "analysis",
        sequential.HOLD_FOR_STEP,
    ),
    BadCanary("a warm-up in words", {"analysis.warmup": "long"}, "analysis.warmup", durations.SPAN, "match pattern"),
    BadCanary("a coin's confidence", {"analysis.confidence": 49}, "analysis.confidence", "greater than or equal to 50"),
    BadCanary(
        "metric twice",
        {"analysis.metrics": [SUCCESS_RATE, DURATION, SUCCESS_RATE]},
        "analysis.metrics",
        "metrics: each name may stand once",
    ),
    *(
        BadCanary(f"a metric with {name}", {"analysis.metrics": [changed]}, f"analysis.metrics[0]{at}", says)
        for name, changed, at, says in BAD_METRICS
    ),
    BadCanary("dry runs alone", {"analysis.metrics": _metric(dryRun=True)}, "analysis", analysis.EVIDENCE),
    BadCanary(
        "copies that callers are to count",
        {"analysis.mirror": True, "analysis.metrics": _metric(reporter="source")},
        "analysis",
        analysis.COPIES,
    ),
)
