"""The metrics of Argo's AnalysisTemplates: each becomes a template of ours, and words in the Canaries that use it.

There a template says also which values pass, and how often it is asked; here that stands in the Canary, so these fields
are used when a Rollout of the same files is converted, and told where none is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rollouts.convert.expressions import Condition, condition_of
from rollouts.convert.inputs import ARGO, Inputs, Source
from rollouts.convert.ledger import Cursor
from rollouts.convert.words import duration, seconds, slug

TEMPLATE, CLUSTER_TEMPLATE = "AnalysisTemplate", "ClusterAnalysisTemplate"
CONVERTIBLE = ("prometheus", "web")
ERRORS_THERE = 4
OF_CANARY = (
    "successCondition", "failureCondition", "initialDelay", "consecutiveErrorLimit", "failureLimit", "interval",
    "count",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """One metric of one template."""

    template: Source
    metric: Cursor
    alone: bool
    """Whether the template has no other."""

    @property
    def name(self) -> str:
        """As it is called in a Canary."""
        return slug(str(self.metric.at("name").value or "")) or "metric"

    @property
    def template_name(self) -> str:
        """What the template made of it is called."""
        return self.template.name if self.alone else f"{self.template.name}-{self.name}"

    @property
    def provider(self) -> str:
        """The kind of source that it asks."""
        return next(iter(self.metric.at("provider").names()), "")

    @property
    def flaw(self) -> str:
        """Why no template can be made of it; empty if one can."""
        if self.provider not in CONVERTIBLE:
            return PROVIDERS.get(self.provider, f"provider {self.provider or '(none)'} is none that this version knows")
        if self.provider == "prometheus" and self.metric.at("provider", "prometheus").has("rangeQuery"):
            return "a range query has many values, and a metric here has one at one instant"
        return ""


_BY_HOOK = "call a service of yours that does it by a webhook of type rollout"
_BY_WEB = "no source of this type in this version: what answers over HTTP with JSON can be asked by provider.type web"
PROVIDERS = {
    "job": f"no Job is run: {_BY_HOOK}",
    "kayenta": "no Kayenta is asked: compare: primary holds the canary against the version that serves",
    "plugin": f"there are no plugins: {_BY_HOOK}",
    "skywalking": _BY_WEB,
    "cloudWatch": f"no source of this type in this version: {_BY_HOOK}",
    **dict.fromkeys(("datadog", "newRelic", "wavefront", "graphite", "influxdb"), _BY_WEB),
}


def find_template(inputs: Inputs, namespace: str, ref: Cursor) -> Source | None:
    """The template that a reference names."""
    kind = CLUSTER_TEMPLATE if ref.at("clusterScope").value is True else TEMPLATE
    name = str(ref.at("templateName").value or "")
    return inputs.find(ARGO, kind, "" if kind == CLUSTER_TEMPLATE else namespace, name)


def parts_of(inputs: Inputs, template: Source, seen: frozenset[str] = frozenset()) -> Iterator[Part]:
    """Its metrics, and those of the templates that it refers to."""
    if str(template) in seen:
        return
    metrics = template.spec.items("metrics")
    for metric in metrics:
        yield Part(template, metric, alone=len(metrics) == 1)
    for ref in template.spec.items("templates"):
        below = find_template(inputs, template.namespace, ref)
        if below is not None:
            ref.use("templateName", "clusterScope")
            ref.changed("a Canary names each template itself")
            yield from parts_of(inputs, below, seen | {str(template)})


def words_for_canary(part: Part) -> dict[str, Any]:
    """The metric as a Canary has it, without its name, reference and arguments."""
    metric, out = part.metric, dict[str, Any]()
    conditions: dict[str, Condition] = {}
    for field in ("successCondition", "failureCondition"):
        text = metric.text(field)
        found = condition_of(text) if text else None
        if isinstance(found, Condition):
            conditions[field] = found
            out[field] = found.text
        elif found is not None:
            metric.lost(f"{found.reason}: write it in the Canary's metric, which is measured and told till then, and "
                        "decides nothing", field)  # fmt: skip
            out["dryRun"] = True
    if conditions.get("successCondition", _NONE).passes_without_data:
        out["onNoData"] = "advance"
    if conditions.get("failureCondition", _NONE).passes_without_data:
        out["onNoData"] = "fail"
    if not conditions:
        out["successCondition"] = "true"
        if "dryRun" not in out:
            metric.added("successCondition: true, so that any answer passes, as there where no condition is said")
    limit = metric.number("consecutiveErrorLimit")
    out["consecutiveErrorLimit"] = min(1000, max(1, (ERRORS_THERE if limit is None else limit) + 1))
    return out | _delay(metric)


_NONE = Condition("")


def _delay(metric: Cursor) -> dict[str, Any]:
    length_s = seconds(metric.text("initialDelay"))
    return {"initialDelay": duration(length_s)} if length_s else {}


def fields_in(part: Part) -> set[str]:
    """Fields of the document that the conditions speak of: one at most, where they can be said at all."""
    texts = (str(part.metric.at(field).value or "") for field in ("successCondition", "failureCondition"))
    found = (condition_of(text) for text in texts if text)
    return {one.field for one in found if isinstance(one, Condition) and one.field}


def arguments_in(text: str) -> list[str]:
    """The arguments that a text has."""
    return list(dict.fromkeys(re.findall(r"\{\{-?\s*args\.([-_a-zA-Z0-9]+)\s*-?\}\}", text)))
