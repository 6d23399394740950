"""The table of bad Canaries has one for each rule of the schema: what both servers are asked is all there is to say."""

from __future__ import annotations

import pytest

from rollouts.admission.admit import admit
from rollouts.admission.canaries import canary_definition
from rollouts.api.rules import EXTRAS
from rollouts.errors import Rejected
from tests.admission.rows import ROWS

RULES = [rule for rules in (*EXTRAS.rules.values(), *EXTRAS.pattern_rules.values()) for rule in rules]


def test_each_rule_of_the_schema_refuses_a_row() -> None:
    """In its own words."""
    said = ""
    for row in ROWS:
        with pytest.raises(Rejected) as refused:
            admit(canary_definition(), row.manifest())
        said += f"{refused.value}\n"
    assert [rule.message for rule in RULES if rule.message not in said] == []
