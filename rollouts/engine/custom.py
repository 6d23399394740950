"""Measures what a metric of the user's own asks: fetches the Secrets it needs, puts the words in, asks its source.

Whatever goes wrong is an outcome with the object's name. What stands in a Secret is in no reason: what a source says
of a query may quote it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from rollouts.api.metric import Counters
from rollouts.api.provider import Provider
from rollouts.core.measurement import NoData, Outcome, Probe, Rejected, Unreachable
from rollouts.core.measurement import Subject as Side
from rollouts.core.observed import Problem
from rollouts.core.templating import Words
from rollouts.engine.recipes import Recipe, Standing, find_recipe, flaw_of, words_of
from rollouts.engine.template_secrets import credentials_in, hidden, read_secrets, secret_values
from rollouts.engine.template_words import Texts, render
from rollouts.errors import SpecInvalid
from rollouts.metrics.grouping import counters_in
from rollouts.metrics.pooled import HasRows
from rollouts.ports import MetricSource, SecretData, Secrets, SeriesOutcome, Sources

AnyOutcome = TypeVar("AnyOutcome")
_NOT_FINITE = "divides by zero"
"""What every source says of a value that is infinite."""


@dataclass(frozen=True, slots=True)
class Question:
    """What can be asked now, and whom. Its repr shows no secret."""

    source: MetricSource
    texts: Texts = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    """Values that no reason may hold."""


@dataclass(frozen=True, slots=True)
class CounterPairs:
    """Two queries for raw counters of each side, ready to be sent. Its repr shows no secret."""

    pairs: Mapping[Side, Counters] = field(default_factory=dict, repr=False)
    source: HasRows | None = None
    """Whom to ask; None is the controller's own."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Values that no reason may hold."""

    async def series(self, query: str, at: datetime) -> SeriesOutcome:
        """What another source than the controller's own has scraped."""
        if self.source is None:
            return Rejected("the controller's own source is asked by others")
        rows = await self.source.rows(query, at)
        outcome = rows.failure or counters_in(rows.series)
        return _without_secrets(outcome, self.secrets) if isinstance(outcome, Rejected | Unreachable) else outcome


@dataclass(frozen=True, slots=True)
class OneSource:
    """Implements `ports.Sources` where there is one only: a template that names another can't be used."""

    own: MetricSource

    def source(self, provider: Provider, secrets: SecretData) -> MetricSource | Rejected:  # noqa: ARG002 - not asked
        """As the port says."""
        return self.own if provider.address is None else Rejected("no other source than the controller's own is known")


@dataclass(frozen=True, slots=True)
class CustomMetrics:
    """Asks the sources of templates."""

    secrets: Secrets
    sources: Sources

    async def measure(self, probe: Probe, standing: Standing, at: datetime) -> Outcome:
        """The value of the metric that the probe names, for its side and look-back."""
        recipe = _recipe_of(standing, probe.metric)
        if isinstance(recipe, Problem):
            return Rejected(recipe.message, recipe.reason)
        question = await self.question(recipe, standing, probe.window_s, probe.subject)
        if not isinstance(question, Question):
            return question
        return _without_secrets(await question.source.measure(question.texts.asked, at), question.secrets)

    async def vet(self, metric: str, standing: Standing, at: datetime) -> Outcome:
        """Whether the source takes the metric's question: rejected if not, and what the value is means nothing here."""
        recipe = _recipe_of(standing, metric)
        if isinstance(recipe, Problem):
            return Rejected(recipe.message, recipe.reason)
        question = await self.question(recipe, standing, recipe.metric.window_s, Side.CANARY)
        if not isinstance(question, Question):
            return question
        return await ask_for_form(question, recipe.named, at)

    async def counters(
        self, metric: str, standing: Standing, sides: Iterable[Side]
    ) -> CounterPairs | Rejected | Unreachable:
        """The queries for a metric's raw counters, of each of these sides, and whom to ask them."""
        recipe = _recipe_of(standing, metric)
        if isinstance(recipe, Problem):
            return Rejected(recipe.message, recipe.reason)
        own = recipe.spec.provider.address is None
        found = CounterPairs()
        for side in sides:
            question = await self.question(recipe, standing, recipe.metric.window_s, side)
            if not isinstance(question, Question):
                return question
            pair = Counters.model_construct(bad=question.texts.bad, total=question.texts.total)
            elsewhere: object = None if own else question.source
            if elsewhere is not None and not isinstance(elsewhere, HasRows):
                return Rejected(f"{recipe.named}: counters can be read from a Prometheus alone", "ProviderInvalid")
            found = CounterPairs({**found.pairs, side: pair}, elsewhere, question.secrets)
        return found

    async def question(
        self, recipe: Recipe, standing: Standing, window_s: float, side: Side
    ) -> Question | Rejected | Unreachable:
        """What the recipe asks of one side, ready to be sent."""
        data = await read_secrets(self.secrets, recipe.spec, recipe.namespace)
        if isinstance(data, Rejected | Unreachable):
            return data
        values = secret_values(recipe, data)
        if isinstance(values, Rejected):
            return values
        try:
            words = words_of(recipe, standing, secrets=values, window_s=window_s, side=side)
            return self.prepared(recipe, words, data, values.values())
        except SpecInvalid as invalid:
            return Rejected(f"{recipe.named}: {invalid}", "QueryInvalid")

    def prepared(self, recipe: Recipe, words: Words, data: SecretData, secrets: Iterable[str]) -> Question | Rejected:
        """The question with those words. Raises SpecInvalid where they do not fit."""
        texts, provider = render(recipe.spec, words), recipe.spec.provider
        if texts.json_path:
            provider = provider.model_copy(update={"address": f"{provider.address}{texts.path}"})
        source = self.sources.source(provider, data)
        if isinstance(source, Rejected):
            return Rejected(f"{recipe.named}: {source.reason}", source.kind or "ProviderInvalid")
        return Question(source, texts, (*filter(None, secrets), *credentials_in(recipe.spec, data)))


async def ask_for_form(question: Question, named: str, at: datetime) -> Outcome:
    """Ask once, at one instant, for nothing but a rejection."""
    texts = question.texts
    # A range can only be asked of what is a plain series: a rate is refused here as it would be when counting.
    raw = [f"count(count_over_time({text}[1m]))" for text in (texts.bad, texts.total) if text]
    outcome: Outcome = NoData()
    for text in raw or [texts.asked]:
        outcome = _without_secrets(await question.source.measure(text, at), question.secrets)
        if isinstance(outcome, Rejected) and _NOT_FINITE in outcome.reason:
            outcome = NoData()  # Nothing is wrong with a share of nothing but that it has no value yet.
        if isinstance(outcome, Rejected):
            return Rejected(f"{named}: {outcome.reason}", outcome.kind or "QueryRejected")
        if isinstance(outcome, Unreachable):
            return outcome
    return outcome


def _recipe_of(standing: Standing, name: str) -> Recipe | Problem:
    metric = next((one for one in standing.subject.spec.analysis.metrics if one.name == name), None)
    if metric is None:
        return Problem("MetricGone", f"there is no metric {name} any more")
    recipe = find_recipe(standing.cluster, standing.subject.owner.namespace, metric)
    return recipe if isinstance(recipe, Problem) else flaw_of(recipe, standing) or recipe


def _without_secrets(outcome: AnyOutcome, secrets: Iterable[str]) -> AnyOutcome:
    if isinstance(outcome, Rejected | Unreachable):
        return replace(outcome, reason=hidden(outcome.reason, secrets))
    return outcome
