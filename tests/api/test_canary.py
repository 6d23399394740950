from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from rollouts.api.canary import CanarySpec
from tests.api.canaries import BAD, BadCanary, good_spec

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_good_spec_is_accepted() -> None:
    """The good Canary that the bad ones are made from is itself accepted."""
    spec = CanarySpec.model_validate(good_spec())

    assert (spec.service_name, spec.primary_name, spec.analysis.interval_s) == ("app", "app-primary", 60.0)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_bad_spec_is_refused_with_words_that_help(bad: BadCanary) -> None:
    """The model refuses each bad Canary and says what is wrong."""
    with pytest.raises(ValidationError) as refused:
        CanarySpec.model_validate(bad.spec())

    assert (bad.model_says or bad.says) in str(refused.value)


def test_examples_are_accepted() -> None:
    """There are examples, and the models accept each Canary among them."""
    documents = [one for file in EXAMPLES.rglob("*.yaml") for one in yaml.safe_load_all(file.read_text()) if one]
    canaries = [one for one in documents if one["kind"] == "Canary"]

    assert canaries
    for canary in canaries:
        CanarySpec.model_validate(canary["spec"])
