"""A metric by a template or a query: found, rendered, vetted and measured; each thing that can be missing is told."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from rollouts.api.resources import ANALYSIS_TEMPLATES, CANARIES, SECRETS, Manifest, ObjectKey
from rollouts.api.status import ConditionType, Phase, Verdict
from rollouts.core.measurement import NoData, Rejected, Unreachable, Value
from rollouts.core.word_patterns import pods_pattern
from rollouts.engine.interest import interested
from rollouts.engine.vetting import VET_AGAIN
from tests.api.templates import manifest as template
from tests.engine.world import KEY, NAMESPACE, World, canary_manifest

QUERY = 'sum(rate(errors_total{app="{{ target }}",kind="{{ args.kind }}"}[{{ interval }}]))'
ASKED = 'sum(rate(errors_total{app="app",kind="slow"}[10s]))'
ARGS = [{"name": "kind", "value": "slow"}]
SPEC: dict[str, Any] = {"query": QUERY, "args": ARGS}
SECRET_ARG = {"name": "kind", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "kind"}}}
BY_SECRET = SPEC | {"args": [SECRET_ARG]}


def metric(**fields: Any) -> dict[str, Any]:
    """A metric by the template `errors`."""
    return {
        "name": "errors",
        "interval": "10s",
        "thresholdRange": {"max": 1},
        "templateRef": {"name": "errors"},
    } | fields


def own(query: str) -> dict[str, Any]:
    """A metric by a query in the spec."""
    return {"name": "errors", "interval": "10s", "thresholdRange": {"max": 1}, "query": query}


def world(
    metrics: list[dict[str, Any]] | None = None, spec: dict[str, Any] | None = SPEC, *, namespace: str = NAMESPACE
) -> World:
    """A Canary with one metric by a template, whose query is answered."""
    made = World(canary=canary_manifest(metrics=[metric()] if metrics is None else metrics, shareCheck="none"))
    made.metrics.answers[ASKED] = Value(0.0)
    if spec is not None:
        made.cluster.put(ANALYSIS_TEMPLATES, template(spec, namespace=namespace))
    return made


def secret(**data: str) -> Manifest:
    """The Secret `keys`."""
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "keys", "namespace": NAMESPACE}, "data": encoded}


def asked(made: World) -> list[str]:
    """Every query about errors."""
    return [query for query, _ in made.metrics.asked if "errors" in query]


async def test_a_template_is_measured_and_judged() -> None:
    """With the Canary's words; a value beyond its limit is a failed check, and the release goes back."""
    made = world()
    await made.initialize()
    made.metrics.answers[ASKED] = Value(3.0)
    made.release()
    await made.run_until_phase(Phase.FAILED)

    result = made.status.metrics[0]
    assert (result.name, result.verdict, result.value) == ("errors", Verdict.FAIL, 3.0)
    assert set(asked(made)) == {ASKED}


async def test_a_good_release_passes_by_templates_alone() -> None:
    """Nothing of the mesh's own metrics is needed for the judgement."""
    made = world()
    await made.initialize()
    made.release()
    await made.run_until_phase(Phase.SUCCEEDED)

    assert made.image(KEY) == "app:2"


async def test_an_argument_is_the_canarys() -> None:
    """What it says takes the default's place, escaped where it stands."""
    made = world([metric(templateVariables={"kind": 'a"b'})])
    rendered = ASKED.replace("slow", r"a\"b")
    made.metrics.answers[rendered] = Value(0.0)
    await made.initialize()

    assert asked(made) == [rendered]


async def test_a_query_of_the_spec_has_the_same_variables() -> None:
    """Both sides, the pods of the canary, and names of the Canary."""
    text = 'sum(errors{a="{{ canary }}{{ primary }}{{ service }}{{ name }}{{ namespace }}",pod=~"{{ pods }}"})'
    made = world([own(text)], None)
    pods = pods_pattern("app", per_node=False)
    rendered = f'sum(errors{{a="appapp-primaryappappshop",pod=~"(?:{pods})"}})'
    made.metrics.answers[rendered] = NoData()
    await made.initialize()

    assert asked(made) == [rendered]


def elsewhere(**spec: Any) -> Callable[[], World]:
    """The template of another namespace."""
    named = {"name": "errors", "namespace": "lib"}
    return lambda: world([metric(templateRef=named)], SPEC | spec, namespace="lib")


PROBLEMS = [
    (lambda: world(spec=None), "TemplateNotFound", "AnalysisTemplate shop/errors does not exist: create it"),
    (elsewhere(), "TemplateNotAllowed", "is not for Canaries of namespace shop: add shop to its"),
    (elsewhere(allowedNamespaces=["pay"]), "TemplateNotAllowed", "add shop to its spec.allowedNamespaces"),
    (lambda: world(spec={"query": 7}), "TemplateInvalid", "AnalysisTemplate shop/errors: spec.query"),
    (lambda: world(spec=SPEC | {"args": [{"name": "kind"}]}), "ArgumentMissing",
     "AnalysisTemplate shop/errors, which metric errors uses, needs kind: set templateVariables.kind of metric errors"),
    (lambda: world([metric(templateVariables={"kin": "x"})]), "ArgumentUnknown", "has no argument kin (it has kind)"),
    (lambda: world([metric(templateVariables={"kind": "x"})], BY_SECRET), "ArgumentFixed",
     "has kind from a Secret of its own: take it out of templateVariables"),
    (lambda: world([own('sum(errors{a="{{ nobody }}"})')], None), "QueryInvalid",
     "metric errors: {{ nobody }} is no variable: there are canary, ingress, interval, name"),
    (lambda: world([own('sum(errors{a="{{ ingress }}"})')], None), "QueryInvalid", "{{ ingress }} has no value"),
    (lambda: world(spec={"counters": {"bad": "errors", "total": "all"}}), "QueryInvalid",
     "has counters, which give no single value: set evaluation: sequential and an objective"),
    (lambda: world([metric(thresholdRange=None, objective=99, compare="primary")]), "QueryInvalid",
     "gives single values: sequential evaluation needs counters"),
    (lambda: world(spec=BY_SECRET), "SecretNotFound", "Secret shop/keys, which a template refers to, does not exist"),
    (lambda: world(spec=SPEC | {"provider": {"address": "https://other:9090"}}), "ProviderInvalid",
     "AnalysisTemplate shop/errors: no other source"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("make", "reason", "words"), PROBLEMS, ids=lambda value: value if isinstance(value, str) else ""
)
async def test_what_is_missing_is_told_and_nothing_is_made(make: Callable[[], World], reason: str, words: str) -> None:
    """The Canary is not Ready, with the object and the way out, and its target is untouched."""
    made = make()
    for _ in range(3):
        await made.settle()

    ready = made.condition(ConditionType.READY)
    assert (ready.status, ready.reason) == ("False", reason)
    assert words in ready.message
    assert made.cluster.stored(CANARIES, KEY)["metadata"].get("finalizers") is None  # type: ignore[index]
    assert asked(made) == []


async def test_a_template_that_comes_or_allows_later_is_used() -> None:
    """The Canary is woken by it, and goes on as if nothing had been."""
    made = world(spec=None)
    await made.settle()
    made.cluster.put(ANALYSIS_TEMPLATES, template(SPEC))

    woken = list(interested(made.cluster, ANALYSIS_TEMPLATES, ObjectKey(NAMESPACE, "errors")))
    assert woken == [KEY]
    assert list(interested(made.cluster, ANALYSIS_TEMPLATES, ObjectKey("other", "errors"))) == []
    await made.initialize()


async def test_a_template_for_all_is_for_all() -> None:
    """Its owner has said so."""
    made = elsewhere(allowedNamespaces=["*"])()
    await made.initialize()

    assert asked(made) == [ASKED]


async def test_a_query_that_its_source_rejects_makes_the_canary_not_ready() -> None:
    """With the source's own words, before anything is made; mended, it goes on at once."""
    made = world()
    made.metrics.answers[ASKED] = Rejected('Prometheus rejects the query: 1:5: parse error: unexpected "("')
    await made.settle()
    ready = made.condition(ConditionType.READY)
    assert (ready.status, ready.reason) == ("False", "QueryRejected")
    assert (
        'AnalysisTemplate shop/errors: Prometheus rejects the query: 1:5: parse error: unexpected "("' in ready.message
    )
    assert made.cluster.stored(CANARIES, KEY)["metadata"].get("finalizers") is None  # type: ignore[index]

    better = SPEC | {"query": QUERY.replace("sum", "avg")}
    made.metrics.answers[ASKED.replace("sum", "avg")] = Value(0.0)
    made.cluster.put(ANALYSIS_TEMPLATES, template(better))
    await made.initialize()
    assert made.condition(ConditionType.READY).status == "True"


async def test_a_query_that_breaks_later_blocks_the_next_release() -> None:
    """An edit of the template is looked at when it is applied, not when it is needed."""
    made = world()
    await made.initialize()
    made.metrics.answers["sum("] = Rejected("Prometheus rejects the query: unclosed left parenthesis")
    made.cluster.put(ANALYSIS_TEMPLATES, template({"query": "sum("}))
    await made.settle()
    assert made.condition(ConditionType.READY).reason == "QueryRejected"
    made.release()
    await made.settle()
    assert made.status.phase is Phase.INITIALIZED

    made.cluster.put(ANALYSIS_TEMPLATES, template(SPEC))
    await made.run_until_phase(Phase.SUCCEEDED)


async def test_a_rejection_is_looked_at_again() -> None:
    """What a right or a Secret has mended is found without any change of the spec."""
    made = world(spec=BY_SECRET)
    wake_at = await made.settle()
    assert made.condition(ConditionType.READY).reason == "SecretNotFound"
    assert wake_at is not None
    made.cluster.put(SECRETS, secret(other="x"))
    made.clock.advance(VET_AGAIN.total_seconds())
    await made.settle()
    assert made.condition(ConditionType.READY).reason == "SecretKeyNotFound"
    assert "Secret shop/keys has no key kind, which argument kind" in made.condition(ConditionType.READY).message
    made.cluster.put(SECRETS, secret(kind="slow"))
    await made.initialize()
    assert asked(made) == [ASKED]


async def test_what_a_secret_holds_is_told_to_nobody() -> None:
    """A source may quote the query that it rejects."""
    made = world(spec=BY_SECRET)
    made.cluster.put(SECRETS, secret(kind="hunter2"))
    made.metrics.answers[ASKED.replace("slow", "hunter2")] = Rejected('bad matcher kind="hunter2"')
    await made.settle()

    assert 'bad matcher kind="***"' in made.condition(ConditionType.READY).message
    assert "hunter2" not in str(made.cluster.writes)


async def test_secrets_that_may_not_be_read_are_said() -> None:
    """With the right that is missing."""
    made = world(spec=BY_SECRET)
    made.secrets.forbidden = True
    await made.settle()

    assert made.condition(ConditionType.READY).reason == "SecretUnreadable"
    assert "see deploy/base/rbac.yaml" in made.condition(ConditionType.READY).message


async def test_secrets_that_are_switched_off_are_said() -> None:
    """With what to set."""
    made = world(spec=BY_SECRET)
    made.secrets_off = True
    made.restart()
    await made.settle()

    ready = made.condition(ConditionType.READY)
    assert ready.reason == "SecretsOff"
    assert "set secrets.enabled=true in the Helm chart" in ready.message


async def test_a_source_that_is_away_is_no_verdict() -> None:
    """It is said once, the Canary is prepared, and the query is asked again until somebody answers."""
    made = world()
    made.metrics.answers[ASKED] = Unreachable("Prometheus at http://other: no answer within 5 s")
    await made.run_until_phase(Phase.INITIALIZED)

    told = [message for reason, message in made.events() if reason == "QueryUnchecked"]
    away = "the query of metric errors could not be looked at: Prometheus at http://other: no answer within 5 s"
    assert told == [f"{away}; it is asked again every minute"]
    assert made.condition(ConditionType.READY).status == "True"
    made.metrics.answers[ASKED] = Rejected("Prometheus rejects the query: no")
    await made.run_until(lambda: made.condition(ConditionType.READY).status == "False", within_s=120)
    assert made.condition(ConditionType.READY).reason == "QueryRejected"


async def test_a_share_of_nothing_is_no_wrong_query() -> None:
    """Before there are requests it divides by zero, and may."""
    made = world()
    made.metrics.answers[ASKED] = Rejected("the query gives +Inf, which no limit can judge: it divides by zero")
    await made.initialize()


async def test_at_rest_nothing_is_asked() -> None:
    """What was answered is known; another process asks once more, and writes nothing for it."""
    made = world()
    await made.initialize()
    before = len(asked(made))
    made.clock.advance(3600)
    assert await made.settle() is None
    assert len(asked(made)) == before

    made.restart()
    with made.recorded() as writes:
        await made.settle()
    assert len(asked(made)) == before + 1
    assert writes == []


async def test_counters_are_vetted_as_raw_counters() -> None:
    """Both, as something that has a range: a rate is refused by Prometheus then; alone they give no value."""
    counters = {"bad": 'errors_total{pod=~"{{ pods }}"}', "total": 'errors_all_total{app="{{ target }}"}'}
    made = world([metric(thresholdRange=None, objective=99, evaluation="sequential")], {"counters": counters})
    pods = pods_pattern("app", per_node=False)
    bad = f'count(count_over_time(errors_total{{pod=~"(?:{pods})"}}[1m]))'
    total = 'count(count_over_time(errors_all_total{app="app"}[1m]))'
    made.metrics.answers |= {bad: NoData(), total: Rejected("Prometheus rejects the query: no range")}
    await made.settle()
    assert asked(made) == [bad, total]
    assert made.condition(ConditionType.READY).reason == "QueryRejected"
