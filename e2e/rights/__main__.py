"""Judges what the plays left in .out/rights.json against what deploy/ grants the controller.

Exit status 0 if each right was used and none was missing, 1 if not, 2 if no play was played.
"""

from __future__ import annotations

import json
import sys

import yaml

from e2e.lab.layout import CHECKOUT
from e2e.play.rights import RIGHTS, add_up, granted_to_controller, judge

_SHIPPED = CHECKOUT / "deploy" / "install.yaml"


def main() -> int:
    """Print the verdict."""
    if not RIGHTS.exists():
        print(f"there is no {RIGHTS}: play something first, `make test-full` plays all", file=sys.stderr)
        return 2
    plays = json.loads(RIGHTS.read_text(encoding="utf-8"))
    shipped = yaml.safe_load_all(_SHIPPED.read_text(encoding="utf-8"))
    granted, used = granted_to_controller(shipped), add_up(plays.values())
    verdict = judge(used, granted)
    print(f"{sum(sum(counts) for counts in used.values())} requests in {len(plays)} plays: {', '.join(sorted(plays))}")
    for title, rights in (
        ("used", tuple(sorted(right for right in granted if used.get(right, [0])[0]))),
        ("refused, and in no rule", verdict.missing),
        ("granted beside the role", verdict.beyond),
        ("in the role, and used by no play", verdict.unused),
        ("taken away by a play on purpose", verdict.taken_away),
    ):
        print(f"{title}: {', '.join(rights) or 'none'}")
    print(f"{len(granted)} rights, {len(granted) - len(verdict.unused)} of them used")
    return 0 if verdict.ok else 1


if __name__ == "__main__":
    sys.exit(main())
