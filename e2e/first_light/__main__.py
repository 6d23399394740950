"""The command line: takes labs up, plays the stories inside them, takes them down, and sums up.

Exit status 0 when every expectation was met, 1 when one was not, 130 when it was broken off.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from e2e.first_light.junit import junit_xml
from e2e.first_light.report import summary_lines
from e2e.lab import Lab, LabError

Json = dict[str, Any]
_ENDS_WITHIN_S = 15.0


def main() -> int:
    """Run as the arguments say."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    plays = [(arguments.dir, "istio", "quick" if arguments.quick else "full")]
    if not arguments.quick:
        plays.append((arguments.dir.with_name(f"{arguments.dir.name}-core"), "core", "core"))
    outcomes: list[Json] = []
    try:
        for root, profile, mode in plays:
            outcomes.append(_play(Lab(root), profile, mode, keep=arguments.keep))
    except LabError as error:
        print(f"first light: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("first light: broken off", file=sys.stderr)
        return 130
    results = [result for outcome in outcomes for result in outcome["results"]]
    if arguments.junitxml is not None:
        _write(arguments.junitxml, junit_xml(results))
    releases = [release for outcome in outcomes for release in outcome["releases"]]
    _write(arguments.out, json.dumps({"releases": releases, "expectations": results}, indent=1) + "\n")
    print("\n".join(summary_lines(results, releases)))
    print(f"all figures are in {arguments.out}")
    return _verdict(results, [root for root, _, _ in plays])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m e2e.first_light", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one good and one bad release, 5 s a step")
    parser.add_argument("--keep", action="store_true", help="leave the labs up")
    parser.add_argument("--dir", type=Path, default=Path(".lab/first-light"), help="the lab's folder")
    parser.add_argument("--out", type=Path, default=Path(".out/lab.json"), help="file for all figures")
    parser.add_argument("--junitxml", type=Path, help="write the expectations there as JUnit XML")
    return parser


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _play(lab: Lab, profile: str, mode: str, *, keep: bool) -> Json:
    """What came of the stories in one lab. Raises LabError when it can't be brought up."""
    lab.up(profile)
    try:
        return _play_inside(lab, mode)
    finally:
        if keep:
            print(f"first light: the lab in {lab.layout.root} stays up; take it down with `python -m e2e.lab down`")
        else:
            lab.down()


def _play_inside(lab: Lab, mode: str) -> Json:
    result = lab.layout.log / "first-light.json"
    words = [sys.executable, "-m", "e2e.first_light.inside", "--mode", mode, "--result", str(result)]
    argv, environ = lab.command(words)
    process = subprocess.Popen(argv, env=environ, stdin=subprocess.DEVNULL)
    try:
        code = process.wait()
    finally:
        if process.poll() is None:
            _end(process)
    outcome: Json = json.loads(result.read_text(encoding="utf-8")) if result.exists() else _nothing()
    if code != 0:
        broken = {"story": f"{mode} stories", "expected": "are played", "ok": False, "detail": f"exit code {code}"}
        outcome["results"].append(broken)
    return outcome


def _nothing() -> Json:
    return {"results": [], "releases": []}


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


if __name__ == "__main__":
    sys.exit(main())
