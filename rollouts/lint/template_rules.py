"""What is wrong with an AnalysisTemplate on its own: words in its texts that nobody fills in."""

from __future__ import annotations

from collections.abc import Iterator

from rollouts.api.template import AnalysisTemplateSpec
from rollouts.engine.recipes import UNSAID
from rollouts.engine.template_words import render, stand_ins, undeclared
from rollouts.errors import SpecInvalid
from rollouts.lint.finding import Finding, Level
from rollouts.lint.item import Item


def check_template(item: Item, spec: AnalysisTemplateSpec) -> Iterator[Finding]:
    """All that is wrong with the words of one whose spec is valid."""
    field = next(f"spec.{name}" for name in ("query", "counters", "web") if getattr(spec, name) is not None)
    try:
        if stray := undeclared(spec):
            said = f"{{{{ args.{stray} }}}} is no argument: add it to spec.args, or write the value"
            yield item.finding(Level.ERROR, "QueryInvalid", said, field)
            return
        secrets = {arg.name: UNSAID for arg in spec.args if arg.value_from is not None}
        render(spec, stand_ins(spec, secrets))
    except SpecInvalid as invalid:
        yield item.finding(Level.ERROR, "QueryInvalid", str(invalid), field)
