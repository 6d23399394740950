#!/usr/bin/env python3.11
"""The whole check, on a fresh clone: environment, lint, types, tests; then a plain summary.

Needs python3.11, make and git; Go is fetched where it is missing. Reads no stdin, ends within 75 minutes whatever
hangs, and exits non-zero when anything failed. The last line is the sum of all pytest runs: `N passed, N failed`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / ".out" / "tests"
STAGES = (
    ("environment", ("make", "venv")),
    ("lint", ("make", "lint")),
    ("types", ("make", "types")),
    ("tests", ("make", "--keep-going", "test")),
)
BUDGET_S = 72 * 60.0
GRACE_S = 45.0


@dataclass(frozen=True)
class Stage:
    """How one stage went."""

    name: str
    verdict: str
    seconds: float


@dataclass(frozen=True)
class Counts:
    """What one pytest run reported. Errors count as failed."""

    name: str
    passed: int
    failed: int
    skipped: tuple[str, ...]


def main() -> int:
    """0 when every stage passed."""
    began = time.monotonic()
    for old in RESULTS.glob("*"):
        old.unlink()
    stages: list[Stage] = []
    for name, command in STAGES:
        if stages and stages[0].verdict != "passed":
            stages.append(Stage(name, "not run: there is no environment", 0.0))
            continue
        print(f"=== {name}: {' '.join(command)} ===", flush=True)
        stages.append(_run_stage(name, command, began + BUDGET_S - time.monotonic()))
    runs = [_counts(report) for report in sorted(RESULTS.glob("*.xml"))]
    _print_summary(stages, runs, time.monotonic() - began)
    passed, failed = sum(run.passed for run in runs), sum(run.failed for run in runs)
    print(f"{passed} passed, {failed} failed", flush=True)
    return 0 if failed == 0 and passed > 0 and all(stage.verdict == "passed" for stage in stages) else 1


def _run_stage(name: str, command: tuple[str, ...], limit_s: float) -> Stage:
    began = time.monotonic()
    if limit_s <= 0:
        return Stage(name, "not run: the time was up", 0.0)
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        code = process.wait(limit_s)
        verdict = "passed" if code == 0 else f"FAILED with exit code {code}"
    except subprocess.TimeoutExpired:
        verdict = "FAILED: the time was up"
    finally:
        if process.poll() is None:
            _end_group(process)
    return Stage(name, verdict, time.monotonic() - began)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Ask the stage's processes to end, so that the lab goes down too; insist after a while."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
            return


def _counts(report: Path) -> Counts:
    """The counts of one JUnit file; a file that can't be read is a failure."""
    try:
        cases = list(ET.parse(report).getroot().iter("testcase"))
    except ET.ParseError:
        return Counts(report.stem, 0, 1, ())
    failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skips = [skip for case in cases if (skip := case.find("skipped")) is not None]
    reasons = tuple(sorted({skip.get("message", "no reason given") for skip in skips}))
    return Counts(report.stem, len(cases) - len(failed) - len(skips), len(failed), reasons)


def _print_summary(stages: list[Stage], runs: list[Counts], seconds: float) -> None:
    print(f"\n=== summary, after {seconds / 60:.1f} minutes ===")
    for stage in stages:
        print(f"{stage.name:12} {stage.seconds:7.1f} s  {stage.verdict}")
    for run in runs:
        print(f"  {run.name}: {run.passed} passed, {run.failed} failed")
        for reason in run.skipped:
            print(f"    skipped: {reason}")
    missing = RESULTS / "missing.txt"
    for line in missing.read_text().splitlines() if missing.exists() else ():
        print(f"  not found, so no unit tests ran on it: {line}")


if __name__ == "__main__":
    sys.exit(main())
