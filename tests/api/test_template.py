from __future__ import annotations

import pytest
from pydantic import ValidationError

from rollouts.admission.admit import admit
from rollouts.admission.definition import definitions_of
from rollouts.api.crd import template_crd
from rollouts.api.template import AnalysisTemplateSpec
from rollouts.errors import Rejected
from tests.api.templates import BAD, QUERY, BadTemplate, manifest

DEFINITION = definitions_of(template_crd())[0]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_bad_template_is_refused_with_words_that_help(bad: BadTemplate) -> None:
    """The model refuses each bad template and says what is wrong."""
    with pytest.raises(ValidationError) as refused:
        AnalysisTemplateSpec.model_validate(bad.spec)

    assert (bad.model_says or bad.says) in str(refused.value)


@pytest.mark.parametrize("bad", [bad for bad in BAD if not bad.by_model_alone], ids=lambda bad: bad.name)
def test_the_definition_refuses_the_same(bad: BadTemplate) -> None:
    """And so do the schema and its rules, at the place where it is wrong."""
    with pytest.raises(Rejected) as refused:
        admit(DEFINITION, manifest(bad.spec))

    said = [cause for cause in refused.value.causes if bad.says in cause["message"]]
    assert [cause["field"] for cause in said] == [f"spec.{bad.at}".rstrip(".")], refused.value.causes


def test_the_smallest_is_a_query() -> None:
    """It asks the controller's own Prometheus, and only Canaries of its namespace may use it."""
    admitted = admit(DEFINITION, manifest({"query": QUERY})).manifest["spec"]
    spec = AnalysisTemplateSpec.model_validate(admitted)

    assert (spec.provider.type, spec.provider.address, spec.texts) == ("prometheus", None, (QUERY,))
    assert (spec.allows("shop", "shop"), spec.allows("shop", "other")) == (True, False)


def test_who_may_use_it_is_the_owners_choice() -> None:
    """Namespaces by their names, or all."""
    some = AnalysisTemplateSpec.model_validate({"query": QUERY, "allowedNamespaces": ["pay"]})
    every = AnalysisTemplateSpec.model_validate({"query": QUERY, "allowedNamespaces": ["*"]})

    assert [some.allows("shop", one) for one in ("shop", "pay", "other")] == [True, True, False]
    assert every.allows("shop", "other")


def test_a_default_makes_an_argument_optional() -> None:
    """So does a Secret; without either every Canary has to say it."""
    from_secret = {"secretKeyRef": {"name": "s", "key": "k"}}
    args = [{"name": "a"}, {"name": "b", "value": ""}, {"name": "c", "valueFrom": from_secret}]
    spec = AnalysisTemplateSpec.model_validate({"query": QUERY, "args": args})

    assert [arg.required for arg in spec.args] == [True, False, False]
