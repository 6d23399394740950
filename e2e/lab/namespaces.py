"""The lab's own network and pid namespaces, and with them its promise to leave nothing behind.

In the network namespace every address of 10.244/16 is local, so that one process can answer on
the address of every pod. The supervisor is pid 1 of the pid namespace: when it ends, for whatever
reason, the kernel ends every other process in there. `unshare --kill-child` ends pid 1 when
unshare itself is killed. An ordinary user gets both through a user namespace.
"""

from __future__ import annotations

import fcntl
import shutil
import socket
import struct
import subprocess
from dataclasses import dataclass

from e2e.lab.errors import LabError

POD_GATEWAY = "10.244.0.1"
POD_NETMASK = "255.255.0.0"

_GET_FLAGS, _SET_FLAGS, _SET_ADDRESS, _SET_NETMASK = 0x8913, 0x8914, 0x8916, 0x891C
_UP_AND_RUNNING = 0x1 | 0x40


@dataclass(frozen=True, slots=True)
class Isolation:
    """How namespaces are made and entered here: with a user namespace or, as root, without."""

    user_namespace: bool

    def unshare(self) -> list[str]:
        """The words before a command that make it pid 1 of new namespaces."""
        user = ["--user", "--map-root-user"] if self.user_namespace else []
        return ["unshare", *user, "--net", "--pid", "--fork", "--kill-child", "--"]

    def nsenter(self, pid: int) -> list[str]:
        """The words before a command that run it on the network of process `pid`."""
        user = ["--user", "--preserve-credentials"] if self.user_namespace else []
        return ["nsenter", "--target", str(pid), *user, "--net", "--"]


def candidates(effective_uid: int) -> tuple[Isolation, ...]:
    """What to try, best first: root keeps its own rights where it may."""
    rootless = Isolation(user_namespace=True)
    return (Isolation(user_namespace=False), rootless) if effective_uid == 0 else (rootless,)


def choose_isolation(effective_uid: int) -> Isolation:
    """The first way that works on this machine.

    Raises LabError when none does.
    """
    if not (shutil.which("unshare") and shutil.which("nsenter")):
        raise LabError("unshare and nsenter (util-linux) are needed and not on PATH")
    refusals = []
    for isolation in candidates(effective_uid):
        trial = subprocess.run([*isolation.unshare(), "true"], capture_output=True, text=True, check=False, timeout=20)
        if trial.returncode == 0:
            return isolation
        refusals.append(" ".join(trial.stderr.split()))
    raise LabError(f"neither a user namespace nor root gives a network namespace here ({'; '.join(refusals)})")


def raise_loopback() -> None:
    """Bring `lo` up and make all of 10.244/16 local. To be called once, inside the namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        answer = fcntl.ioctl(control, _GET_FLAGS, _request("lo", b""))
        (flags,) = struct.unpack_from("H", answer, 16)
        fcntl.ioctl(control, _SET_FLAGS, _request("lo", struct.pack("H", flags | _UP_AND_RUNNING)))
        fcntl.ioctl(control, _SET_ADDRESS, _request("lo:0", _address(POD_GATEWAY)))
        fcntl.ioctl(control, _SET_NETMASK, _request("lo:0", _address(POD_NETMASK)))


def _request(interface: str, value: bytes) -> bytes:
    """A `struct ifreq`: the name in 16 bytes, then a union of 24."""
    return struct.pack("16s24s", interface.encode(), value)


def _address(dotted: str) -> bytes:
    """A `struct sockaddr_in` without a port."""
    return struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(dotted))
