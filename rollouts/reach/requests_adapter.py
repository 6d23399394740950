"""The way of requests to a server that a user names: the policy at each connection, and the TLS that is wanted.

urllib3 has no hook between resolving a name and connecting to it, so the method of a connection that does both is
replaced; the TLS context comes with the pool, since requests would put the usual certificates into it.
"""

from __future__ import annotations

import socket
import ssl
from functools import partial
from typing import Any

import urllib3
from requests import ConnectionError  # noqa: A004 - the one that its callers expect
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from rollouts.reach.policy import ReachPolicy
from rollouts.reach.sockets import judged_socket

BODY_MAX = 16 * 2**20
"""Bytes of an answer, unpacked."""
READ_BYTES = 64 * 1024


class ReachAdapter(HTTPAdapter):
    """Mount one for `http://` and `https://`; it serves one thread at a time."""

    def __init__(self, policy: ReachPolicy, tls: ssl.SSLContext) -> None:
        """`tls` decides alone whom to trust: what the session says of it plays no part."""
        self._policy = policy
        self._tls = tls
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **more: Any) -> None:  # noqa: FBT001, FBT002 - requests' own signature
        """As requests asks for it."""
        self.poolmanager = _Pools(self._policy, num_pools=connections, maxsize=maxsize, block=block, **more)

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:  # noqa: ARG002
        """Which pool serves a request, and with what TLS: never with that of the session."""
        host, _ = super().build_connection_pool_key_attributes(request, verify=True, cert=None)
        needed = ssl.VerifyMode(self._tls.verify_mode).name
        return host, {"ssl_context": self._tls, "cert_reqs": needed} if host["scheme"] == "https" else {}

    def send(self, request: Any, *more: Any, **named: Any) -> Any:
        """As ever, but for an answer larger than anybody needs, and for redirects: they stay what they are."""
        response = super().send(request, *more, **named)
        _read(response, request)
        response.headers.pop("Location", None)
        return response

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Nothing more: the context has it all."""


def _read(response: Any, request: Any) -> None:
    """Read the body, so that nobody after us does it without a bound."""
    body = bytearray()
    for piece in response.iter_content(READ_BYTES):
        body += piece
        if len(body) > BODY_MAX:
            response.close()
            raise ConnectionError(f"the answer is larger than {BODY_MAX // 2**20} MiB", request=request)
    response._content = bytes(body)  # noqa: SLF001 - where requests itself puts it, and has no other door


class _Pools(urllib3.PoolManager):
    def __init__(self, policy: ReachPolicy, **more: Any) -> None:
        super().__init__(**more)
        pools: dict[str, Any] = {
            "http": partial(_pool, urllib3.HTTPConnectionPool, _Plain, policy),
            "https": partial(_pool, urllib3.HTTPSConnectionPool, _Secure, policy),
        }
        self.pool_classes_by_scheme = pools


def _pool(pool: Any, connection: Any, policy: ReachPolicy, *args: Any, **more: Any) -> Any:
    made = pool(*args, **more)
    made.ConnectionCls = partial(connection, reach_policy=policy)
    return made


class _Plain(HTTPConnection):
    def __init__(self, *args: Any, reach_policy: ReachPolicy, **more: Any) -> None:
        super().__init__(*args, **more)
        self._policy = reach_policy

    def _new_conn(self) -> socket.socket:
        return _connect(self, self._policy)


class _Secure(HTTPSConnection):
    def __init__(self, *args: Any, reach_policy: ReachPolicy, **more: Any) -> None:
        super().__init__(*args, **more)
        self._policy = reach_policy

    def _new_conn(self) -> socket.socket:
        return _connect(self, self._policy)

    def connect(self) -> None:
        """As ever; that nothing is verified is what the user wrote, and no reason to warn at each connection."""
        super().connect()
        self.is_verified = True


def _connect(connection: HTTPConnection, policy: ReachPolicy) -> socket.socket:
    host, last = connection.host.strip("[]"), OSError("the name has no address")
    try:
        found = socket.getaddrinfo(host, connection.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise NameResolutionError(host, connection, socket.gaierror(str(error))) from error
    for info in found:
        try:
            return _connect_to(connection, policy, info)
        except OSError as error:
            last = error
    if isinstance(last, TimeoutError):
        raise ConnectTimeoutError(connection, "no connection in time") from last
    raise NewConnectionError(connection, f"no connection: {last}") from last


def _connect_to(connection: HTTPConnection, policy: ReachPolicy, info: Any) -> socket.socket:
    made = judged_socket(policy, connection.host.strip("[]"), info)
    try:
        for option in connection.socket_options or ():
            made.setsockopt(*option)
        timeout_s = connection.timeout
        made.settimeout(timeout_s if isinstance(timeout_s, int | float) else None)
        made.connect(info[4])
    except BaseException:
        made.close()
        raise
    return made
