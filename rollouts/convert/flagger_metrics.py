"""The metrics of a Canary of Flagger's, and its MetricTemplates."""

from __future__ import annotations

from typing import Any

from rollouts.convert.flagger_names import namespaces_that_name
from rollouts.convert.inputs import FLAGGER, OURS, Inputs, Source
from rollouts.convert.ledger import Cursor, copied
from rollouts.convert.words import query_words, seconds, slug

BUILT_IN = frozenset({"request-success-rate", "request-duration"})
_ONLY_PROMETHEUS = (
    "no source of this type in this version: one that answers over HTTP with JSON can be asked by a template of "
    "provider.type web"
)
_STRANGE = "no variable of ours stands for it: write the value"


def metrics_of(inputs: Inputs, canary: Source, source: Cursor) -> list[dict[str, Any]]:
    """All that can be measured, each under a name of its own."""
    made: list[dict[str, Any]] = []
    for one in source.items("metrics"):
        metric = _metric(inputs, canary, one)
        if metric is None:
            continue
        if any(metric["name"] == other["name"] for other in made):
            one.changed("each name may stand once", "name")
            metric["name"] = slug(f"{metric['name']}-{len(made) + 1}")
        made.append(metric)
    return made


def _metric(inputs: Inputs, canary: Source, source: Cursor) -> dict[str, Any] | None:
    name = source.text("name")
    out: dict[str, Any] = {"name": slug(name) or "metric"}
    if out["name"] != name:
        source.changed(f"names are of lower-case letters, digits and dashes: {out['name']}", "name")
    text = source.text("interval")
    if (seconds(text) or 0) >= 1:
        out["interval"] = text
    elif text:
        source.changed("1m: it is a duration of a second or more", "interval")
    if name in BUILT_IN:
        for field in ("templateRef", "query", "templateVariables"):
            source.lost(f"{name} is what the mesh measures: give a metric of your own another name", field)
        return out | _limits(source, is_least=name == "request-success-rate")
    if not source.has("templateRef") and not source.text("query"):
        source.lost("it is none that the mesh measures, and has neither templateRef nor query: there it always fails")
        return None
    return out | _asked(inputs, canary, source) | _limits(source, is_least=False)


def _asked(inputs: Inputs, canary: Source, source: Cursor) -> dict[str, Any]:
    if not source.has("templateRef"):
        source.lost("arguments go with a template", "templateVariables")
        query, arguments, strange = query_words(source.text("query"))
        if arguments or strange:
            source.lost(f"{', '.join([*arguments, *strange])}: {_STRANGE}", "query")
        return {"query": query}
    source.lost("the template has the query", "query")
    ref = copied(source.at("templateRef"), ("name", "namespace"))
    known = inputs.find(FLAGGER, "MetricTemplate", ref.get("namespace") or canary.namespace, ref.get("name", ""))
    if known is not None and not is_convertible(known):
        source.lost(f"{known} can't be converted: until there is an AnalysisTemplate of that name nothing is promoted",
                    "templateRef", "name")  # fmt: skip
    out: dict[str, Any] = {"templateRef": ref}
    given = source.at("templateVariables")
    if given.names():
        out["templateVariables"] = {name: given.text(name) for name in given.names()}
    return out


def _limits(source: Cursor, *, is_least: bool) -> dict[str, Any]:
    """Which values pass. A plain threshold is a least of the success rate, and a most of all else."""
    if source.at("thresholdRange").names():
        source.needless("thresholdRange decides", "threshold")
        return {"thresholdRange": copied(source.at("thresholdRange"), ("min", "max"))}
    end = "min" if is_least else "max"
    if source.has("threshold"):
        source.changed(f"it is written as thresholdRange.{end}", "threshold")
        return {"thresholdRange": {end: source.take("threshold")}}
    source.added(f"thresholdRange.{end}: 0, which is what none means there")
    return {"thresholdRange": {end: 0}}


def is_convertible(template: Source) -> bool:
    """Whether there is a source of ours for it."""
    return template.spec.at("provider", "type").value in (None, "", "prometheus")


def convert_template(inputs: Inputs, source: Source) -> None:
    """One MetricTemplate to an AnalysisTemplate."""
    source.accept()
    spec = source.spec
    if not is_convertible(source):
        spec.lost(f"{spec.at('provider', 'type').value}: {_ONLY_PROMETHEUS}")
        source.root.needless("nothing is made of it", "metadata")
        return
    query, arguments, strange = query_words(spec.text("query"))
    for one in strange:
        spec.lost(f"{{{{ {one} }}}}: {_STRANGE}", "query")
    out: dict[str, Any] = {"provider": _provider(spec.at("provider"))}
    if arguments:
        out["args"] = [{"name": name} for name in arguments]
    out["query"] = query
    if allowed := namespaces_that_name(inputs, source, "metrics", "templateRef"):
        out["allowedNamespaces"] = allowed
        spec.added(f"allowedNamespaces: {', '.join(allowed)}, whose Canaries name it")
    source.made.append({"apiVersion": OURS, "kind": "AnalysisTemplate", "metadata": source.metadata(), "spec": out})


def _provider(source: Cursor) -> dict[str, Any]:
    out = copied(source, ("type", "address", "headers", "insecureSkipVerify"))
    source.lost("it is of CloudWatch", "region")
    if source.has("secretRef"):
        out["secretRef"] = copied(source.at("secretRef"), ("name",))
    return out
