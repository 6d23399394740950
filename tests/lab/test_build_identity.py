"""A process is ended only if it is the one that was meant."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from e2e.lab.identity import end_process, identify, running_since


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives until it is ended."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_the_process_that_was_meant_is_ended(child: subprocess.Popen[bytes]) -> None:
    """SIGTERM reaches it, and the call returns when it is gone."""
    identity = identify(child.pid)
    assert identity is not None
    assert identity.is_alive()
    assert end_process(identity)
    assert child.wait() == -signal.SIGTERM
    assert not identity.is_alive()


def test_another_process_with_the_same_pid_is_left_alone(child: subprocess.Popen[bytes]) -> None:
    """A pid that the kernel gave to somebody else, who started later, is not signalled."""
    identity = identify(child.pid)
    assert identity is not None
    recycled = replace(identity, start_ticks=identity.start_ticks - 1)
    assert not recycled.is_alive()
    assert not end_process(recycled)
    assert child.poll() is None


def test_a_pid_of_another_boot_is_left_alone(child: subprocess.Popen[bytes]) -> None:
    """The same pid and start time after a reboot mean nothing."""
    identity = identify(child.pid)
    assert identity is not None
    assert not end_process(replace(identity, boot_id="another"))
    assert child.poll() is None


def test_a_zombie_is_nobody(child: subprocess.Popen[bytes]) -> None:
    """A process that has ended but was not collected does not count as running."""
    identity = identify(child.pid)
    assert identity is not None
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert identify(child.pid) is None
    assert not identity.is_alive()


def test_the_start_time_is_read_behind_any_name() -> None:
    """A command's name may hold brackets and spaces: fields are counted from its end."""
    tail = " ".join(str(number) for number in range(4, 22))
    assert running_since(f"7 (a) b (c) S {tail} 4711 0") == 4711
