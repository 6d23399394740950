"""Completion in the shells themselves: each loads the script that is printed for it, and completes by the program.

A shell that is not installed skips its tests, by name. Those that complete only for a person get a terminal.
"""

from __future__ import annotations

import os
import pty
import select
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

READY = "what-now> "
DEADLINE_S = 30.0
LOADED = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "source {script}"),
    "zsh": (["zsh", "-f", "-i"], "autoload -Uz compinit; compinit -u -D; source {script}"),
}
TYPED = {
    "a command": ("rollouts stat", ["status"]),
    "a flag": ("rollouts get --all-n", ["get", "--all-namespaces"]),
    "a flag's value": ("rollouts get -o js", ["get", "-o", "json"]),
    "a word that can only be one": ("rollouts completion kub", ["completion", "kubectl"]),
}


@pytest.mark.parametrize("shell", LOADED)
@pytest.mark.parametrize(("typed", "called"), TYPED.values(), ids=TYPED.keys())
def test_tab_completes(shell: str, typed: str, called: list[str], tmp_path: Path) -> None:
    """What is typed, a TAB, and Enter: the program is called with the whole word."""
    program, load = LOADED[shell]
    environment = _installed(shell, tmp_path)
    script = _script(shell, environment, tmp_path)

    with _terminal(program, {**environment, "PS1": READY, "PROMPT": READY}) as terminal:
        _until(terminal, READY)
        _type(terminal, f"{load.format(script=shlex.quote(str(script)))}; PS1=loaded'> '\n")
        _until(terminal, "\nloaded> ", "\rloaded> ", "mloaded> ")
        _type(terminal, f"{typed}\t")
        _until(terminal, called[-1])
        _type(terminal, "\n")
        _until(terminal, "called with")

    assert (tmp_path / "called").read_text(encoding="utf-8").split() == called


@pytest.mark.parametrize(("typed", "called"), TYPED.values(), ids=TYPED.keys())
def test_fish_completes(typed: str, called: list[str], tmp_path: Path) -> None:
    """Fish lists for what is typed the whole word, and what it means."""
    environment = _installed("fish", tmp_path)
    script = _script("fish", environment, tmp_path)

    asked = f"source {shlex.quote(str(script))}; complete -C {shlex.quote(typed)}"
    done = subprocess.run(
        [shutil.which("fish") or "", "--no-config", "-c", asked],
        env=environment, capture_output=True, text=True, timeout=DEADLINE_S, check=True,
    )  # fmt: skip

    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == [called[-1]]


def _installed(shell: str, folder: Path) -> dict[str, str]:
    """An environment in which `rollouts` completes, and else notes what it is called with. Skips without the shell."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed: its completion was not tried")
    program = folder / "bin" / "rollouts"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        f'if [ -n "$_ROLLOUTS_COMPLETE" ]; then exec {shlex.quote(sys.executable)} -m rollouts "$@"; fi\n'
        f'echo "$@" > {shlex.quote(str(folder / "called"))}; echo called with "$@"\n',
        encoding="utf-8",
    )
    program.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if name not in {"ENV", "BASH_ENV", "ZDOTDIR"}}
    root = str(Path(__file__).parents[2])
    return {
        **kept, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder), "TERM": "dumb",
        "PYTHONPATH": root, "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder),
    }  # fmt: skip


def _script(shell: str, environment: dict[str, str], folder: Path) -> Path:
    """What `rollouts completion` prints for it."""
    printed = subprocess.run(
        [sys.executable, "-m", "rollouts", "completion", shell],
        env=environment, capture_output=True, text=True, timeout=DEADLINE_S, check=True,
    )  # fmt: skip
    script = folder / f"completion.{shell}"
    script.write_text(printed.stdout, encoding="utf-8")
    return script


@contextmanager
def _terminal(program: list[str], environment: dict[str, str]) -> Iterator[int]:
    """A shell on a terminal of its own, until the body ends."""
    ours, theirs = pty.openpty()
    shell = subprocess.Popen(
        program, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    try:
        yield ours
    finally:
        shell.kill()
        shell.wait()
        os.close(ours)


def _type(terminal: int, text: str) -> None:
    os.write(terminal, text.encode())


def _until(terminal: int, *wanted: str) -> None:
    """Read what the shell shows until one of these is there."""
    shown, ends = "", time.monotonic() + DEADLINE_S
    while not any(one in shown for one in wanted):
        left = ends - time.monotonic()
        if left <= 0 or not select.select([terminal], [], [], left)[0]:
            pytest.fail(f"not shown in {DEADLINE_S:g} s: {wanted}; but: {shown!r}")
        shown += os.read(terminal, 4096).decode(errors="replace")
