"""Sockets that connect only where the policy lets them.

The address is judged when its socket is made, which then connects to it and to no other: a name that resolves
differently a moment later gains nothing. Literal addresses, which are never resolved, go the same way.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from rollouts.reach.policy import ReachPolicy

AddressInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[Any, ...]]
"""As getaddrinfo has it."""


class ReachRefusedError(PermissionError):
    """The policy keeps us from this address; nothing was sent there."""


def judged_socket(policy: ReachPolicy, host: str, info: AddressInfo) -> socket.socket:
    """A socket for one address of `host`, not connected yet. Raises ReachRefusedError."""
    family, kind, protocol, _, address = info
    refusal = policy.refusal(host, str(address[0]))
    if refusal:
        raise ReachRefusedError(refusal)
    return socket.socket(family=family, type=kind, proto=protocol)


def judged_connection(policy: ReachPolicy, host: str, port: int, timeout_s: float) -> socket.socket:
    """A socket that is connected to `host`; it blocks, each address for the time at the most. Raises OSError:
    ReachRefusedError where the last address is none that may be called.
    """
    last = OSError("the name has no address")
    for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        try:
            return _connected(judged_socket(policy, host, info), info, timeout_s)
        except OSError as error:
            last = error
    raise last


def _connected(made: socket.socket, info: AddressInfo, timeout_s: float) -> socket.socket:
    try:
        made.settimeout(timeout_s)
        made.connect(info[4])
    except BaseException:
        made.close()
        raise
    return made


def socket_factory(policy: ReachPolicy, host: str) -> Callable[[AddressInfo], socket.socket]:
    """What an aiohttp connector that is used for `host` alone makes its sockets with."""
    return partial(judged_socket, policy, host)
