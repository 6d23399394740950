"""The lab's command line: `python -m e2e.lab build | up | down | status | exec -- CMD...`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from e2e.lab.build import PROFILES, build
from e2e.lab.errors import LabError
from e2e.lab.lab import Lab


def main() -> int:
    """0 when done; 1 when not, with the reason on stderr. `exec` ends as its command does."""
    arguments = _parser().parse_args()
    verbs = {"build": _build, "up": _up, "down": _down, "status": _status, "exec": _exec}
    try:
        return verbs[arguments.verb](arguments)
    except LabError as error:
        print(f"lab {arguments.verb}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m e2e.lab", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="build|up|down|status|exec")
    folder = argparse.ArgumentParser(add_help=False)
    folder.add_argument("--dir", type=Path, default=Path(".lab/main"), help="the lab's folder (.lab/main)")
    profile = argparse.ArgumentParser(add_help=False)
    profile.add_argument("--profile", choices=sorted(PROFILES), default="istio")
    both = [folder, profile]
    verbs.add_parser("build", parents=both, help="compile what the profile needs, unless cached")
    verbs.add_parser("up", parents=both, help="build, start all, wait until all is ready")
    verbs.add_parser("down", parents=[folder], help="end the lab; only its logs stay")
    verbs.add_parser("status", parents=[folder], help="each part and what it is doing")
    inside = verbs.add_parser("exec", parents=[folder], help="run a command in the lab")
    inside.add_argument("command", nargs="+", metavar="-- CMD", help="the command and its words")
    return parser


def _build(arguments: argparse.Namespace) -> int:
    began = time.monotonic()
    for name, entry in build(arguments.profile).entries.items():
        print(f"lab build: {name} is in {entry}")
    print(f"lab build: done in {time.monotonic() - began:.1f} s")
    return 0


def _up(arguments: argparse.Namespace) -> int:
    lab = Lab(arguments.dir)
    seconds = lab.up(arguments.profile)
    print(f"lab up: all ready after {seconds:.1f} s; variables are in {lab.layout.env}")
    return 0


def _down(arguments: argparse.Namespace) -> int:
    print("lab down: ended" if Lab(arguments.dir).down() else "lab down: nothing was up")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    lab = Lab(arguments.dir)
    status = lab.status()
    if status.supervisor is None:
        print(f"no lab in {lab.layout.root}")
        return 1
    if not status.is_up:
        print(f"the lab in {lab.layout.root} has ended without `down`")
        return 1
    print(f"up in {lab.layout.root}, supervisor {status.supervisor.pid}")
    for name, part in status.parts.items():
        ended = "" if part.exit_code is None else f" exit code {part.exit_code}"
        print(f"  {name:24} {part.state:9} pid {part.pid or '-':<8} {part.seconds:5.1f} s{ended}")
    return 0 if status.is_whole else 1


def _exec(arguments: argparse.Namespace) -> int:
    """Become the command, so that its exit code and signals are its own."""
    words, environ = Lab(arguments.dir).command(arguments.command)
    try:
        os.execvpe(words[0], words, environ)  # noqa: S606 - needs no shell
    except FileNotFoundError:
        raise LabError(f"{words[0]} is not on PATH") from None


if __name__ == "__main__":
    sys.exit(main())
