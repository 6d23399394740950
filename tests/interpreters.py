"""`python -m tests.interpreters`: the unit tests on each supported Python that this machine has, one after another.

With `--ends` first among the arguments, on the oldest and the newest of them: what is true there is nearly always true
between, and the whole takes as long again for each.
This interpreter runs them in its own environment; each other one in `.venv-X.Y`, made from requirements/unit.txt and
kept until that file changes. An interpreter that is missing is said, on the terminal and in `.out/tests/missing.txt`.
Only the standard library, so that it may run before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / ".out" / "tests"
REQUIREMENTS = ROOT / "requirements" / "unit.txt"
SUPPORTED = ("3.11", "3.12", "3.13")
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
PROBE_TIMEOUT_S = 20
LONG = ("tests/bench", "tests/fuzz")
"""What takes long, and hardly depends on the interpreter: with `--ends` it runs on this one alone."""
SIDE_BY_SIDE = ("--numprocesses=auto", "--dist=worksteal")
"""On all processors: no test knows of another."""


def main(arguments: Sequence[str]) -> int:
    """0 when every interpreter that was found passed. The arguments go to pytest."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    for old in RESULTS.glob("unit-*.xml"):
        old.unlink()
    found = {version: path for version in SUPPORTED if (path := _interpreter(version))}
    missing = [version for version in SUPPORTED if version not in found]
    ends = {*[*found][:1], *[*found][-1:]} if arguments[:1] == ["--ends"] else set()
    if ends:
        arguments = arguments[1:]
        for version in [version for version in found if version not in ends]:
            print(f"unit tests: Python {version} is left to make test-full", flush=True)
            del found[version]
    (RESULTS / "missing.txt").write_text("".join(f"Python {version}\n" for version in missing))
    failed = []
    for version, path in found.items():
        left = LONG if ends and version != OWN else ()
        if left:
            print(f"unit tests: {' and '.join(left)} on Python {version} are left to make test-full", flush=True)
        if not _passes(version, path, [*arguments, *(f"--ignore={folder}" for folder in left)]):
            failed.append(version)
    print(f"unit tests: ran on Python {', '.join(found) or 'none'}", flush=True)
    for version in missing:
        print(f"unit tests: Python {version} was not found, so nothing ran on it")
    for version in failed:
        print(f"unit tests: failed on Python {version}")
    return 1 if failed or not found else 0


def _passes(version: str, interpreter: Path, arguments: Sequence[str]) -> bool:
    print(f"--- unit tests on Python {version} ({interpreter}) ---", flush=True)
    python = interpreter if version == OWN else _environment(version, interpreter)
    if python is None:
        return False
    report = RESULTS / f"unit-{version}.xml"
    command: list[str | Path] = [
        python,
        "-m",
        "pytest",
        "-m",
        "not kube and not lab and not sim",
        *SIDE_BY_SIDE,
        f"--junitxml={report}",
        *arguments,
    ]
    return _run(command) == 0


def _interpreter(version: str) -> Path | None:
    """A working interpreter of that version: this one, on PATH, or among pyenv's (whose shims may be dead)."""
    if version == OWN:
        return Path(sys.executable)
    on_path = shutil.which(f"python{version}")
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    candidates = [Path(on_path)] if on_path else []
    candidates += sorted(pyenv.glob(f"{version}.*/bin/python{version}"), reverse=True)
    return next((candidate for candidate in candidates if _works(candidate, version)), None)


def _works(interpreter: Path, version: str) -> bool:
    """Whether it starts, is of that version, and can make environments."""
    probe = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run(
            [interpreter, "-c", probe], capture_output=True, text=True, timeout=PROBE_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and answer.stdout.strip() == version


def _environment(version: str, interpreter: Path) -> Path | None:
    """The Python of `.venv-X.Y`, made when it is missing or its requirements are others; None when that fails."""
    folder = ROOT / f".venv-{version}"
    python = folder / "bin" / "python"
    stamp = folder / ".locked"
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == digest:
        return python
    print(f"making {folder.name}", flush=True)
    install: list[str | Path] = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
    ]
    if _run([interpreter, "-m", "venv", "--clear", folder]) or _run([*install, "-r", REQUIREMENTS]):
        print(f"{folder.name} could not be made", flush=True)
        return None
    stamp.write_text(digest)
    return python


def _run(command: Sequence[str | Path]) -> int:
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
