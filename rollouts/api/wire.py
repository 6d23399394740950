"""How wire types behave: camelCase outside, snake_case inside, frozen, unknown fields ignored on read."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

WIRE = ConfigDict(
    frozen=True,
    alias_generator=to_camel,
    validate_by_name=True,
    validate_by_alias=True,
    extra="ignore",
    defer_build=True,  # what reads only one kind does not wait for the validators of all
)

WEIGHT_TOTAL_MAX = 10_000
Weight = Annotated[int, Field(ge=0, le=WEIGHT_TOTAL_MAX)]
"""So many parts of `analysis.weightTotal` of the traffic."""
