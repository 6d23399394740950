"""How a source is got at: its address, who asks, and whose certificate is taken.

Sources are made from it and found by it: two with the same Access are one. Nothing secret is in a repr: credentials are
bytes and strings in memory alone.
"""

from __future__ import annotations

import base64
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from rollouts.api.provider import ProviderType
from rollouts.errors import SpecInvalid

AUTHORIZATION = "Authorization"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What proves who asks, and who answers. Certificates and keys are PEM."""

    token: str = field(default="", repr=False)
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    ca: bytes = field(default=b"", repr=False)
    """Whose certificates are trusted instead of the usual ones."""
    certificate: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)

    def headers(self) -> Mapping[str, str]:
        """What is sent of them."""
        if self.token:
            return {AUTHORIZATION: f"Bearer {self.token}"}
        if self.username:
            pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
            return {AUTHORIZATION: f"Basic {pair}"}
        return {}


@dataclass(frozen=True, slots=True)
class Access:
    """One place, as one caller."""

    type: ProviderType
    address: str
    """http or https, without user, query and fragment."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    credentials: Credentials = field(default=Credentials(), repr=False)
    insecure_skip_verify: bool = False

    def sent(self) -> Mapping[str, str]:
        """The headers of each request."""
        return {**dict(self.headers), **self.credentials.headers()}

    def tls(self) -> ssl.SSLContext:
        """How a connection is made secure. Raises SpecInvalid, without a word of what is in a certificate or key."""
        credentials = self.credentials
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            _trust(context, credentials.ca)
        except (ssl.SSLError, ValueError):
            raise SpecInvalid("ca.crt holds no certificate in PEM") from None
        if self.insecure_skip_verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if credentials.certificate:
            try:
                _identify(context, credentials)
            except (ssl.SSLError, ValueError, OSError):
                raise SpecInvalid("tls.crt and tls.key are no certificate and its key, unencrypted, in PEM") from None
        return context


def _trust(context: ssl.SSLContext, ca: bytes) -> None:
    if ca:
        context.load_verify_locations(cadata=ca.decode("ascii"))
    else:
        context.load_default_certs()


def _identify(context: ssl.SSLContext, credentials: Credentials) -> None:
    """OpenSSL takes a key from a file alone: this one is in memory, and nobody else can open it."""
    with _unnamed_file(credentials.certificate + b"\n" + credentials.key) as path:
        # Without a password OpenSSL would ask a terminal for it.
        context.load_cert_chain(path, password=lambda: b"")


@contextmanager
def _unnamed_file(content: bytes) -> Iterator[str]:
    descriptor = os.memfd_create("credentials", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, content)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
