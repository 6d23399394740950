"""What 50 Canaries cost, in counts and bytes, against the budgets in budgets.yaml: `make bench-quick`.

The whole program runs in virtual time against the embedded API server, over its own requests. Exit status 1 if a count
is above its budget or has none; one far below is told. `--tighten` has the budgets say what was counted, `--write` puts
the table into docs/scale.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from rollouts.telemetry.logging import set_up_logging
from tests.bench.scale import budgets, page
from tests.bench.scale.budgets import Counts, Judged, Verdict
from tests.bench.scale.story import Stage, Story, told

PER_RELEASE = (Stage.UNDER_WAY, Stage.PROMOTION)


def main(words: list[str] | None = None) -> int:
    """Tell the story and judge it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--budgets", type=Path, default=budgets.FILE, help="another file of budgets")
    parser.add_argument("--tighten", action="store_true", help="write what was counted as the budgets")
    parser.add_argument("--write", action="store_true", help="write the table into docs/scale.md")
    asked = parser.parse_args(words)
    allowed, began_s = budgets.read(asked.budgets), time.monotonic()
    set_up_logging("error")
    with tempfile.TemporaryDirectory() as folder:
        story = told(allowed.canaries, Path(folder))
    counts = counts_of(story)
    if asked.tighten:
        budgets.write(counts, asked.budgets)
        allowed = budgets.read(asked.budgets)
    judged = [*allowed.judge(counts, seconds_of(story))]
    print("\n".join(report(judged)))
    for stage, seconds in story.took_s.items():
        print(f"{stage}: all in their last phase after {seconds:.0f} s of virtual time")
    print(f"{summary(judged)}; took {time.monotonic() - began_s:.0f} s")
    if asked.write:
        page.write("quick", table(judged, allowed.canaries))
    return 1 if any(one.fails for one in judged) else 0


def counts_of(story: Story) -> Counts:
    """By stage, in the order of their coming."""
    return {str(stage): story.costs[stage].counts for stage in Stage if stage in story.costs}


def seconds_of(story: Story) -> dict[str, float]:
    """How long each stage was."""
    return {str(stage): cost.seconds for stage, cost in story.costs.items()}


def report(judged: Iterable[Judged]) -> Iterator[str]:
    """For people: each count beside its budget."""
    stage = ""
    for one in judged:
        if one.stage != stage:
            stage = one.stage
            yield f"{stage}"
        budget = "none" if one.budget is None else f"{one.budget}"
        yield f"  {one.name:55} {one.count:9}  of {budget:>9}  {one.ratio:>5}  {one.verdict}".rstrip()


def summary(judged: list[Judged]) -> str:
    """What to make of all of it, with the names of what is to be looked at."""
    named = {verdict: [f"{one.stage}: {one.name}" for one in judged if one.verdict is verdict] for verdict in Verdict}
    broken = [*named[Verdict.BROKEN], *named[Verdict.UNKNOWN]]
    loose = f"; far below their budgets: {', '.join(named[Verdict.LOOSE])}" if named[Verdict.LOOSE] else ""
    return (f"above their budgets: {', '.join(broken)}" if broken else "all budgets kept") + loose


def table(judged: Iterable[Judged], canaries: int) -> str:
    """For docs/scale.md: the sums of each stage, with what one Canary's part of a release is."""
    wanted = (
        "all requests", "status writes", "queries", "bytes written", "bytes of status written",
        "bytes of the largest status",
    )  # fmt: skip
    by_stage: dict[str, dict[str, int]] = {}
    for one in judged:
        by_stage.setdefault(one.stage, {})[one.name] = one.count
    lines = [f"| {canaries} Canaries | {' | '.join(wanted)} |", "|---" * (len(wanted) + 1) + "|"]
    for stage, counts in by_stage.items():
        lines.append(f"| {stage} | {' | '.join(f'{counts[name]:,}' for name in wanted)} |")
    release = [sum(by_stage[stage][name] for stage in PER_RELEASE) / canaries for name in wanted[:5]]
    lines.append(f"| one release, of one Canary | {' | '.join(f'{number:,.10g}' for number in release)} | |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
