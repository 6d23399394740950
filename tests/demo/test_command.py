"""The command itself, as a process: what it prints, what it leaves, how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENDED_WITHIN_S = 10.0


def words(*flags: str) -> list[str]:
    """The command line."""
    return [sys.executable, "-m", "rollouts", "demo", *flags]


def environment() -> dict[str, str]:
    """This process's, with settings of another cluster, which are not meant here."""
    mine = {"PYTHONPATH": str(ROOT), "ROLLOUTS_KUBECONFIG": "/nowhere", "ROLLOUTS_LISTEN": "nonsense"}
    return os.environ | mine


def demo(folder: Path, *flags: str, within_s: float = 30.0) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(
        words(*flags), cwd=folder, env=environment(), capture_output=True, text=True, timeout=within_s, check=False
    )


@pytest.mark.timeout(150)
def test_the_whole_demo_goes_as_told(tmp_path: Path) -> None:
    """Without a terminal: lines, the three results, a recording, and how to go on."""
    done = demo(tmp_path, "--record", "demo.svg", "--deadline", "60", within_s=140.0)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert done.stdout.startswith("Cluster and traffic are simulated, in this process. The controller is the real one.")
    assert re.search(r"What broke: request-success-rate \d\d\.\d\d % \(limit at least 99 %\)", done.stdout)
    assert "\x1b" not in done.stdout
    told = json.loads((tmp_path / ".out" / "demo.json").read_text())
    assert told["ok"] is True
    assert [(story["story"], story["ok"]) for story in told["stories"]] == [
        ("good", True),
        ("bad", True),
        ("gate", True),
    ]
    good, bad, gate = told["stories"]
    assert (good["errors"], gate["errors"]) == (0, 0)
    assert 0 < bad["errors"] < bad["requests_by_version"]["3"] < bad["requests"]
    commands = [line.strip() for line in done.stdout.splitlines() if line.startswith("  kubectl ")]
    assert [command.split()[1] for command in commands] == ["get", "set", "describe", "set", "annotate"]
    assert f"export KUBECONFIG={tmp_path / '.out' / 'demo.kubeconfig'}" in done.stdout
    assert (tmp_path / "demo.svg").read_text().startswith("<svg ")
    decisions = [json.loads(line) for line in (tmp_path / ".out" / "demo.log").read_text().splitlines()]
    assert {"ready", "decision"} <= {entry["event"] for entry in decisions}


def test_what_does_not_go_as_told_is_the_exit_status(tmp_path: Path) -> None:
    """No application is taken over within a second."""
    done = demo(tmp_path, "--plain", "--deadline", "1")
    assert done.returncode == 1
    assert "NOT as told: the story comes to its end: the Canary is Initialized: not within 1 s" in done.stdout
    assert "NOT all went as told" in done.stdout
    told = json.loads((tmp_path / ".out" / "demo.json").read_text())
    assert (told["ok"], [story["story"] for story in told["stories"]]) == (False, ["start"])


@pytest.mark.parametrize(
    ("term", "rows", "columns", "draws"),
    [("xterm", 24, 80, True), ("xterm", 10, 40, False), ("dumb", 50, 120, False)],
    ids=["the usual size", "a tiny one", "one that can't move its cursor"],
)
def test_in_a_terminal_it_draws_and_where_it_can_not_it_tells(
    tmp_path: Path, term: str, rows: int, columns: int, *, draws: bool
) -> None:
    """The same end, in colours, and the last picture stays; lines where there is no room for one."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (rows, columns))
    kind = environment() | {"TERM": term}
    for unwanted in ("COLUMNS", "LINES", "NO_COLOR"):
        kind.pop(unwanted, None)
    with os.fdopen(ours, "rb") as screen, os.fdopen(theirs, "wb") as terminal:
        running = subprocess.Popen(words("--deadline", "1"), cwd=tmp_path, env=kind, stdout=terminal, stdin=terminal)
        terminal.close()
        seen = "".join(_read(screen.fileno()))
        assert running.wait(ENDED_WITHIN_S) == 1
    assert ("1. a good release is promoted" in seen, "weight" in seen) == (draws, draws)
    assert ("phase    canary shop: Initializing" in seen) == (not draws)
    assert ("\x1b[" in seen) == (term == "xterm")
    assert "NOT all went as told" in seen


def test_a_reader_who_leaves_ends_it(tmp_path: Path) -> None:
    """As `| head` does: soon, without a word, as if somebody had stopped it."""
    with subprocess.Popen(
        words("--plain"), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "simulated" in process.stdout.readline()
        process.stdout.close()
        assert process.wait(ENDED_WITHIN_S) == 130
        assert process.stderr.read() == ""


def _read(terminal: int) -> Iterator[str]:
    """Until nobody writes there any more."""
    with contextlib.suppress(OSError):
        while piece := os.read(terminal, 65536):
            yield piece.decode(errors="replace")


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_it_ends_cleanly_when_it_is_told_to(tmp_path: Path, signum: signal.Signals) -> None:
    """Soon, without a traceback, and without a result of what was not played."""
    with subprocess.Popen(
        words("--plain"), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            next(line for line in process.stdout if "canary shop: Initializing" in line)
            process.send_signal(signum)
            began = time.monotonic()
            printed, complained = process.communicate(timeout=ENDED_WITHIN_S)
        finally:
            process.kill()
    assert time.monotonic() - began < ENDED_WITHIN_S
    assert (process.returncode, complained) == (130, "")
    assert printed.endswith("Stopped before the end.\n")
    assert not (tmp_path / ".out" / "demo.json").exists()


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--record", "demo.png"], "--record demo.png: name a file that ends in .svg, in a folder that exists"),
        (["--record", "no/demo.svg"], "--record no/demo.svg: name a file that ends in .svg, in a folder that exists"),
        (["--deadline", "0"], "--deadline 0: write 1 to 600 seconds"),
        (["--deadline", "nan"], "--deadline nan: write 1 to 600 seconds"),
        (["--out", "file"], "--out file: File exists; name a folder that can be written to"),
    ],
    ids=["no svg", "no folder", "no time", "no number", "no folder to write to"],
)
def test_flags_that_can_not_be_meant_are_refused_in_one_line(tmp_path: Path, flags: list[str], says: str) -> None:
    """Exit code 2, and nothing is started."""
    (tmp_path / "file").write_text("")
    done = demo(tmp_path, *flags)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"rollouts: {says}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
