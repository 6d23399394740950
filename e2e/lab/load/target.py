"""Where requests go and what their bytes are. Pure: a URL and headers in, an address and bytes out.

Only http:// and an IP address: no resolver's time shall be measured. Who wants TLS, and says so with a name, makes a
Target by hand.
"""

import ipaddress
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

Headers = Mapping[str, str]
Render = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Target:
    """An address and the request line's part of a URL."""

    address: str
    port: int
    authority: str
    path: str
    tls: ssl.SSLContext | None = None
    """Of each connection; plain TCP without it."""
    server_name: str = ""
    """What the client says first in TLS (SNI)."""


def read_target(url: str) -> Target:
    """Take a URL apart. Raises ValueError when it is not http://ADDRESS[:PORT][/PATH]."""
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname is None:
        message = f"the URL must begin with http:// and an address, is {url!r}"
        raise ValueError(message)
    try:
        ipaddress.ip_address(parts.hostname)
    except ValueError:
        message = f"the URL must hold an IP address (no names are resolved), is {url!r}"
        raise ValueError(message) from None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.hostname, parts.port or 80, parts.netloc, path)


def request_renderer(target: Target, headers: Headers | Callable[[int], Headers]) -> Render:
    """A function from a request's number to its bytes. Raises ValueError for a header that breaks the line."""
    if callable(headers):
        return lambda number: _render(target, headers(number))
    fixed = _render(target, headers)
    return lambda _number: fixed


def _render(target: Target, headers: Headers) -> bytes:
    fields = {"host": target.authority, "user-agent": "rollouts-lab"}
    fields |= {name.lower(): value for name, value in headers.items()}
    lines = [f"GET {target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    if any("\r" in line or "\n" in line for line in lines):
        message = "a header must not hold a line end"
        raise ValueError(message)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
