"""A play's command line: takes labs up, plays the stories inside them, takes them down, and sums up.

Exit status 0 when every expectation was met, 1 when one was not, 130 when it was broken off.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from e2e.lab import Lab, LabError
from e2e.play.installing import install
from e2e.play.junit import junit_xml
from e2e.play.result import Json, expectation_lines
from e2e.play.rights import RIGHTS, read_rights, remember

_ENDS_WITHIN_S = 15.0


@dataclass(frozen=True, slots=True)
class Program:
    """One play."""

    title: str
    """For people."""
    inside: str
    """The module that plays its stories in a lab."""
    figures: str
    """What its figures are called in the file that keeps them."""
    lines: Callable[[Sequence[Json]], list[str]]
    """The figures as lines for people."""

    @property
    def slug(self) -> str:
        """The title in the names of files."""
        return self.title.replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Act:
    """What is played in one lab."""

    root: Path
    profile: str
    mode: str
    words: tuple[str, ...] = ()
    """Further arguments of the module that plays it."""


def parser_of(program: Program, *, description: str, out: Path) -> argparse.ArgumentParser:
    """The arguments that every play takes."""
    parser = argparse.ArgumentParser(prog=f"python -m {program.inside.rpartition('.')[0]}", description=description)
    parser.add_argument("--keep", action="store_true", help="leave the labs up")
    parser.add_argument("--dir", type=Path, default=Path(".lab") / program.slug, help="the lab's folder")
    parser.add_argument("--out", type=Path, default=out, help="file for all figures")
    parser.add_argument(
        "--installed", action="store_true", help="install by kubectl apply -k deploy/, with its policies"
    )
    parser.add_argument("--junitxml", type=Path, help="write the expectations there as JUnit XML")
    return parser


def main_of(program: Program, description: str) -> int:
    """The whole command line of a play that takes one lab of all parts; the exit status."""
    arguments = parser_of(program, description=description, out=Path(".out") / f"{program.slug}.json").parse_args()
    return run(program, [Act(arguments.dir, "istio", "all")], arguments)


def main_of_named(program: Program, description: str, names: Sequence[str]) -> int:
    """The same where stories have names, of which some may be chosen: inside, `parts_of` reads them."""
    parser = parser_of(program, description=description, out=Path(".out") / f"{program.slug}.json")
    parser.add_argument("--only", choices=list(names), action="append", help="play this one; may be repeated")
    arguments = parser.parse_args()
    words = tuple(word for name in arguments.only or () for word in ("--only", name))
    return run(program, [Act(arguments.dir, "istio", "all", words)], arguments)


def run(program: Program, acts: Sequence[Act], arguments: argparse.Namespace) -> int:
    """Play all acts and sum up; the exit status."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        outcomes = [_play(program, act, keep=arguments.keep, installed=arguments.installed) for act in acts]
    except LabError as error:
        print(f"{program.title}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{program.title}: broken off", file=sys.stderr)
        return 130
    results = [result for outcome in outcomes for result in outcome["results"]]
    figures = [figure for outcome in outcomes for figure in outcome["figures"]]
    if arguments.junitxml is not None:
        _write(arguments.junitxml, junit_xml(program.slug, results))
    for act, outcome in zip(acts, outcomes, strict=True):
        remember(RIGHTS, f"{program.title}, {act.mode}", outcome["rights"])
    _write(arguments.out, json.dumps({program.figures: figures, "expectations": results}, indent=1) + "\n")
    print("\n".join([*expectation_lines(results), "", "=== figures ===", *program.lines(figures), ""]))
    print(f"all figures are in {arguments.out}")
    return _verdict(results, [act.root for act in acts])


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _play(program: Program, act: Act, *, keep: bool, installed: bool) -> Json:
    """What came of the stories in one lab. Raises LabError when it can't be brought up."""
    lab = Lab(act.root)
    lab.up(act.profile)
    try:
        if installed:
            print("kubectl apply -k deploy/", install(lab), sep="\n", flush=True)
        outcome = _play_inside(program, lab, act)
        with lab.layout.audit_log.open(encoding="utf-8") as log:
            return {**outcome, "rights": read_rights(log)}
    finally:
        if keep:
            print(f"{program.title}: a lab stays up; `python -m e2e.lab down --dir {lab.layout.root}` takes it down")
        else:
            lab.down()


def _play_inside(program: Program, lab: Lab, act: Act) -> Json:
    result = lab.layout.log / f"{program.slug}.json"
    words = [sys.executable, "-m", program.inside, "--mode", act.mode, "--result", str(result), *act.words]
    argv, environ = lab.command(words)
    process = subprocess.Popen(argv, env=environ, stdin=subprocess.DEVNULL)
    try:
        code = process.wait()
    finally:
        if process.poll() is None:
            _end(process)
    nothing: Json = {"results": [], "figures": []}
    outcome: Json = json.loads(result.read_text(encoding="utf-8")) if result.exists() else nothing
    if code != 0:
        broken = {"story": f"{act.mode} stories", "expected": "are played", "ok": False, "detail": f"exit code {code}"}
        outcome["results"].append(broken)
    return outcome


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_ENDS_WITHIN_S)
        return
    process.kill()
    process.wait()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _verdict(results: list[Json], roots: list[Path]) -> int:
    """Name what failed and where to look; the last line is the count."""
    failed = [result for result in results if not result["ok"]]
    for result in failed:
        print(f"FAILED {result['story']}: {result['expected']}")
    if failed:
        print(f"the parts' logs are in {', '.join(str(root / 'log') for root in roots)}")
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed", flush=True)
    return 0 if results and not failed else 1
