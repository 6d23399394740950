"""The analyses of a Rollout: which templates they name becomes the metrics of a Canary."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from rollouts.convert.argo_parts import CLUSTER_TEMPLATE, Part, arguments_in, find_template, parts_of, words_for_canary
from rollouts.convert.inputs import Inputs, Source
from rollouts.convert.ledger import Cursor
from rollouts.convert.words import duration, seconds, slug

_HASH = (
    "no pods are told apart by such a hash here: {{ target }} is the workload that is measured, and {{ pods }} a "
    "regular expression for its pods"
)
_FIELD = re.compile(r"metadata\.(name|namespace)|metadata\.(labels|annotations)\['([^']+)'\]")


@dataclass(slots=True)
class Checks:
    """What has been found so far."""

    inputs: Inputs
    rollout: Source
    cluster_namespace: str
    """Where templates of the whole cluster are to be."""
    metrics: list[dict[str, Any]] = field(default_factory=list)
    sources: list[Cursor] = field(default_factory=list)
    """Where each metric was read."""

    def add(self, analysis: Cursor, after_s: float = 0.0) -> None:
        """The templates of one analysis; judged from `after_s` on, counted from the start of a release."""
        wanted: set[str] = set()
        for ref in analysis.items("templates"):
            known = find_template(self.inputs, self.rollout.namespace, ref)
            if known is None:
                name = ref.at("templateName").value
                ref.lost(
                    f"AnalysisTemplate {name} is not in the files, so its metrics are not known: name its file too"
                )
                continue
            ref.use("templateName", "clusterScope")
            for part in parts_of(self.inputs, known):
                wanted |= self._add_part(part, ref, analysis, after_s)
        for one in analysis.items("args"):
            _tell_argument(one, is_wanted=str(one.at("name").value) in wanted)
        for name in ("measurementRetention", "analysisRunMetadata"):
            analysis.needless("there are no runs: each metric keeps its last results in the Canary's status", name)

    def _add_part(self, part: Part, ref: Cursor, analysis: Cursor, after_s: float) -> set[str]:
        """The arguments that it has, if it is one more."""
        if part.flaw:
            ref.lost(f"its metric {part.metric.at('name').value}: {part.flaw}", "templateName")
            return set()
        if any(metric["templateRef"]["name"] == part.template_name for metric in self.metrics):
            ref.changed("its metric is judged already, and each stands once", "templateName")
            return set()
        out: dict[str, Any] = {"name": self._free(part.name), "templateRef": self._ref(part)}
        if variables := self._variables(part, analysis):
            out["templateVariables"] = variables
        out |= words_for_canary(part)
        if after_s:
            out["initialDelay"] = duration(after_s + (seconds(out.get("initialDelay", "0s")) or 0.0))
        named = str(part.metric.at("name").value)
        for one in (*analysis.items("dryRun"), *part.template.spec.items("dryRun")):
            if _pattern(one).fullmatch(named):
                one.use("metricName")
                out["dryRun"] = True
        part.metric.use("name")
        part.metric.use("count")
        part.metric.changed("it is asked at each judgement, until the release has ended", "count")
        self.sources.append(part.metric)
        self.metrics.append(out)
        return set(_arguments(part))

    def _free(self, name: str) -> str:
        taken = {metric["name"] for metric in self.metrics}
        return name if name not in taken else slug(f"{name[:60]}-{len(self.metrics) + 1}")

    def _ref(self, part: Part) -> dict[str, str]:
        out = {"name": part.template_name}
        if part.template.kind == CLUSTER_TEMPLATE and self.cluster_namespace not in {"", self.rollout.namespace}:
            out["namespace"] = self.cluster_namespace
        return out

    def interval_s(self, otherwise: float) -> float:
        """How often all are judged: as often as the one that is asked most often; each other is told."""
        said = [(one, length) for one in self.sources if (length := seconds(one.text("interval")))]
        least = min((length for _, length in said), default=otherwise)
        for one, length in said:
            if length != least:
                one.changed(f"all metrics are judged together, each {duration(least)}", "interval")
        return least

    def threshold(self) -> int:
        """How many failed judgements end a release: one more than the least limit; each other is told."""
        limits = [(one, one.number("failureLimit") or 0) for one in self.sources]
        least = min((limit for _, limit in limits if limit >= 0), default=0)
        for one, limit in limits:
            if limit < 0:
                one.lost(
                    "there is no metric that never fails: dryRun: true measures and tells it alone", "failureLimit"
                )
            elif limit != least:
                one.changed(f"failures are counted together, and {least + 1} end the release", "failureLimit")
        return least + 1

    def _variables(self, part: Part, analysis: Cursor) -> dict[str, str]:
        provider = part.metric.at("provider", part.provider)
        wanted = _arguments(part)
        found = {}
        for one in analysis.items("args"):
            name = str(one.at("name").value)
            if name in wanted and (value := argument_value(self.rollout, one)) is not None:
                found[name] = value
        in_address = arguments_in(str(provider.at("address").value or ""))
        in_address += arguments_in("".join(re.findall(r"^[^/]*//[^/?]*", str(provider.at("url").value or ""))))
        return {name: value for name, value in found.items() if name not in in_address}


def argument_value(rollout: Source, argument: Cursor) -> str | None:
    """What an argument of a Rollout is; None where only a running one knows."""
    if argument.has("value"):
        return argument.text("value")
    path = _FIELD.fullmatch(str(argument.at("valueFrom", "fieldRef", "fieldPath").value or ""))
    if path is None:
        return None
    metadata = rollout.root.at("metadata")
    value = metadata.at(path[1]).value if path[1] else metadata.at(path[2], path[3]).value
    return None if value is None else str(value)


def _arguments(part: Part) -> list[str]:
    provider = part.metric.at("provider", part.provider)
    texts = (str(provider.at(name).value or "") for name in ("query", "url", "body", "jsonBody", "address"))
    return arguments_in("\n".join(texts))


def _tell_argument(argument: Cursor, *, is_wanted: bool) -> None:
    if not is_wanted:
        argument.needless("no metric that was converted for it has this argument")
        return
    if argument.at("valueFrom").has("podTemplateHashValue"):
        argument.lost(_HASH)
    elif argument.at("valueFrom").has("fieldRef"):
        if _FIELD.fullmatch(str(argument.at("valueFrom", "fieldRef", "fieldPath").value or "")):
            argument.take("valueFrom", "fieldRef", "fieldPath")
            argument.changed("it is written as the value that it has now", "valueFrom", "fieldRef", "fieldPath")
        else:
            argument.lost("a field of a running Rollout: write the value in templateVariables")
    argument.take("name")
    if not argument.has("value"):
        return
    argument.take("value")


def _pattern(dry_run: Cursor) -> re.Pattern[str]:
    try:
        return re.compile(str(dry_run.at("metricName").value or ""))
    except re.error:
        return re.compile(r"(?!)")
