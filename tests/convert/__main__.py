"""Write the expected texts anew: look at the difference before you commit it."""

from __future__ import annotations

from rollouts.convert.render import render_yaml
from tests.convert.goldens import EXPECTED, GOLDEN, NAMES, sources_of

for name in NAMES:
    (GOLDEN / f"{name}{EXPECTED}").write_text(render_yaml(sources_of(name)), encoding="utf-8")
