"""A lab of profile core, really run: an API server that answers, and nothing left when it ends."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.lab import Lab, LabError
from e2e.lab.credentials import CONTROLLER

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]  # the first run on a machine compiles

DEADLINE_S = 15.0


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A lab in a folder of its own, taken down after the test whatever happens."""
    lab = Lab(tmp_path / "lab")
    yield lab
    lab.down()


def processes_of(lab: Lab) -> list[str]:
    """Command lines of running processes that name the lab's folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if os.fsencode(lab.layout.root) in words:
            found.append(words.replace(b"\0", b" ").decode(errors="replace"))
    return found


def wait_until_nothing_is_left(lab: Lab) -> None:
    """Return when no process of the lab runs; fail with their names when some stay."""
    deadline = time.monotonic() + DEADLINE_S
    while left := processes_of(lab):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def test_a_core_lab_answers_and_outlives_no_crash(lab: Lab) -> None:
    """Up, answer, kill -9 of the supervisor, nothing left, up again, down, nothing left."""
    lab.up("core", quiet=True)
    answer = lab.run(["kubectl", "get", "--raw", "/readyz"])
    assert (answer.returncode, answer.stdout) == (0, "ok")
    assert lab.status().is_whole
    with pytest.raises(LabError, match="up in"):
        lab.up("core", quiet=True)

    os.kill(int(lab.environ()["LAB_PID"]), signal.SIGKILL)
    wait_until_nothing_is_left(lab)
    assert not lab.status().is_up

    lab.up("core", quiet=True)
    assert lab.run(["kubectl", "get", "--raw", "/readyz"]).stdout == "ok"
    assert lab.down()
    wait_until_nothing_is_left(lab)
    assert not lab.layout.run.exists()
    assert not lab.layout.env.exists()


def test_two_labs_side_by_side_do_not_see_each_other(lab: Lab, tmp_path: Path) -> None:
    """The same ports in two labs are two API servers; ending one leaves the other."""
    other = Lab(tmp_path / "other")
    lab.up("core", quiet=True)
    try:
        other.up("core", quiet=True)
        assert lab.run(["kubectl", "create", "namespace", "mine"]).returncode == 0
        assert other.run(["kubectl", "get", "namespace", "mine"]).returncode == 1
    finally:
        other.down()
    assert lab.run(["kubectl", "get", "namespace", "mine"]).returncode == 0


def test_the_controller_has_the_shipped_account_and_its_requests_are_audited(lab: Lab) -> None:
    """It may not read roles, and the refused request stands in the audit log under its name."""
    lab.up("core", quiet=True)
    kubeconfig = lab.environ()["KUBECONFIG_CONTROLLER"]
    refused = lab.run(["kubectl", f"--kubeconfig={kubeconfig}", "get", "clusterroles"])
    assert "Forbidden" in refused.stderr
    assert f'"username":"{CONTROLLER}"' in Path(lab.environ()["AUDIT_LOG"]).read_text()


def test_a_commands_exit_code_and_input_pass_through(lab: Lab) -> None:
    """`run` adds nothing to what the command itself says."""
    lab.up("core", quiet=True)
    answer = lab.run(["sh", "-c", "cat; exit 7"], stdin="hello")
    assert (answer.returncode, answer.stdout) == (7, "hello")
