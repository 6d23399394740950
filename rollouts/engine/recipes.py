"""What a metric of the user's own asks: the template that it names, or the query in the spec, with this Canary's words.

Whatever is missing is a Problem that names the object and the way out. Pure but for reading the stores; asks nobody.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from rollouts.api.invalid import explain_invalid
from rollouts.api.metric import Metric
from rollouts.api.resources import ANALYSIS_TEMPLATES, DAEMON_SETS, ObjectKey
from rollouts.api.sequential import is_sequential
from rollouts.api.status import CanaryStatus
from rollouts.api.template import AnalysisTemplateSpec, Argument
from rollouts.core.measurement import Subject as Side
from rollouts.core.observed import Problem
from rollouts.core.templating import Word, Words
from rollouts.core.word_patterns import pods_pattern
from rollouts.engine.modes import mode_of
from rollouts.engine.subject import Subject
from rollouts.engine.template_words import argument_words, givable, render, undeclared
from rollouts.errors import SpecInvalid
from rollouts.ports import Cluster

UNSAID = "0"
"""Stands for a secret value while only the form is looked at: it fits between quotes and outside of them."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one metric is measured, before its variables are put in."""

    metric: Metric
    spec: AnalysisTemplateSpec
    namespace: str
    """Where the Secrets are that it refers to."""
    named: str
    """As people call it."""

    @property
    def version(self) -> str:
        """A digest of all that the question is made of, but for the Canary's names, which do not change."""
        parts = [self.spec.model_dump(mode="json"), self.metric.template_variables, self.metric.interval]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def secret_args(self) -> tuple[Argument, ...]:
        """The arguments whose values are in Secrets."""
        return tuple(arg for arg in self.spec.args if arg.value_from is not None)


@dataclass(frozen=True, slots=True)
class Standing:
    """A Canary as it stands in its cluster."""

    cluster: Cluster
    subject: Subject
    status: CanaryStatus


def find_recipe(cluster: Cluster, namespace: str, metric: Metric) -> Recipe | Problem:
    """What a metric asks that the mesh does not answer, for a Canary of that namespace; or why nothing can be asked."""
    ref = metric.template_ref
    if ref is None:
        spec = AnalysisTemplateSpec.model_construct(query=metric.query or None, counters=metric.counters)
        return Recipe(metric, spec, namespace, f"metric {metric.name}")
    key = ObjectKey(ref.namespace or namespace, ref.name)
    named = f"AnalysisTemplate {key}"
    if trouble := cluster.trouble(ANALYSIS_TEMPLATES):
        return Problem("KindUnavailable", trouble)
    found = cluster.read(ANALYSIS_TEMPLATES, key)
    if found is None:
        way_out = f"create it, or correct templateRef of metric {metric.name}"
        return Problem("TemplateNotFound", f"{named} does not exist: {way_out}")
    try:
        spec = AnalysisTemplateSpec.model_validate(found.get("spec") or {})
    except ValidationError as invalid:
        return Problem("TemplateInvalid", f"{named}: {explain_invalid(invalid)}")
    if not spec.allows(key.namespace, namespace):
        way_out = f"add {namespace} to its spec.allowedNamespaces, or make a template of your own"
        return Problem("TemplateNotAllowed", f"{named} is not for Canaries of namespace {namespace}: {way_out}")
    return Recipe(metric, spec, key.namespace, named)


def own_metrics(subject: Subject) -> Iterator[Metric]:
    """Those that the mesh does not measure."""
    return (metric for metric in subject.spec.analysis.metrics if not metric.built_in)


def flaw_of(recipe: Recipe, standing: Standing) -> Problem | None:
    """Why the question can't be put into words."""
    metric, given = recipe.metric, recipe.metric.template_variables
    used = f"{recipe.named}, which metric {metric.name} uses," if metric.template_ref else recipe.named
    if problem := _mismatch(recipe, standing):
        return problem
    needed = [arg.name for arg in recipe.spec.args if arg.required and arg.name not in given]
    if needed:
        way_out = f"set templateVariables.{needed[0]} of metric {metric.name}"
        return Problem("ArgumentMissing", f"{used} needs {', '.join(needed)}: {way_out}")
    kept = [arg.name for arg in recipe.secret_args if arg.name in given]
    if kept:
        way_out = f"take it out of templateVariables of metric {metric.name}"
        return Problem("ArgumentFixed", f"{recipe.named} has {kept[0]} from a Secret of its own: {way_out}")
    try:
        if stray := undeclared(recipe.spec):
            way_out = "add it to its args" if metric.template_ref else "write the value, or make an AnalysisTemplate"
            return Problem("QueryInvalid", f"{recipe.named}: {{{{ args.{stray} }}}} is no argument: {way_out}")
        unknown = given.keys() - givable(recipe.spec)
        if unknown:
            have = ", ".join(arg.name for arg in recipe.spec.args) or "none"
            said = f"{recipe.named} has no argument {min(unknown)} (it has {have})"
            return Problem("ArgumentUnknown", f"{said}: correct templateVariables of metric {metric.name}")
        secrets = {arg.name: UNSAID for arg in recipe.secret_args}
        window_s = metric.window_s
        render(recipe.spec, words_of(recipe, standing, secrets=secrets, window_s=window_s))
    except SpecInvalid as invalid:
        return Problem("QueryInvalid", f"{recipe.named}: {invalid}")
    return None


def _mismatch(recipe: Recipe, standing: Standing) -> Problem | None:
    """Counters are evaluated sequentially, and nothing else can be."""
    weighed = is_sequential(recipe.metric, standing.subject.spec.analysis.evaluation)
    if weighed and recipe.spec.counters is None:
        said = f"{recipe.named} gives single values: sequential evaluation needs counters"
    elif not weighed and recipe.spec.counters is not None:
        said = f"{recipe.named} has counters, which give no single value: set evaluation: sequential and an objective"
    else:
        return None
    return Problem("QueryInvalid", said)


def words_of(
    recipe: Recipe, standing: Standing, *, secrets: Mapping[str, str], window_s: float, side: Side = Side.CANARY
) -> Words:
    """The variables' values for one side; `secrets` holds those of `recipe.secret_args` by the argument's name."""
    subject, status = standing.subject, standing.status
    mode, owner, spec = mode_of(subject.spec), subject.owner, subject.spec
    measured, canary, primary = (mode.workload(subject, status, one) for one in (side, Side.CANARY, Side.STABLE))
    per_node = not spec.swaps and spec.target.kind == DAEMON_SETS.kind
    window_ms = round(window_s * 1000)
    words: dict[str, Word | None] = {
        "namespace": Word(owner.namespace),
        "name": Word(owner.name),
        "target": Word(measured),
        "canary": Word(canary),
        "primary": Word(primary),
        "service": _service(standing),
        "ingress": None,  # no route of ours is an Ingress yet
        "interval": Word(f"{window_ms // 1000}s" if window_ms % 1000 == 0 else f"{window_ms}ms"),
        "pods": Word(pods_pattern(measured, per_node=per_node), pattern=True),
    }
    words.update(argument_words(recipe.spec, recipe.metric.template_variables, secrets))
    return words


def _service(standing: Standing) -> Word | None:
    """The one that clients call; of the user's own routes, the first that they lead to."""
    spec = standing.subject.spec
    if not spec.swaps:
        return Word(spec.service_name)
    mode = mode_of(spec)
    names = mode.services(standing.cluster, standing.subject, standing.status, Side.BOTH).names
    return Word(names[0]) if names else None
