"""A certificate authority for tests, and what it signed: by the openssl of the machine, for two days."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path

    def server_side(self, clients: Path | None = None) -> ssl.SSLContext:
        """What a server shows itself with; with `clients`, it demands a certificate of that authority."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        if clients is not None:
            context.load_verify_locations(clients)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


@dataclass(frozen=True, slots=True)
class Authority:
    """Signs certificates into `folder`."""

    folder: Path

    @property
    def own(self) -> Pair:
        """Its own."""
        return Pair(self.folder / "ca.crt", self.folder / "ca.key")

    def sign(self, name: str) -> Pair:
        """A pair for 127.0.0.1."""
        pair = Pair(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        signer = ["-CA", str(self.own.certificate), "-CAkey", str(self.own.key)]
        _openssl(pair, name, *signer, "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE")
        return pair


def make_authority(folder: Path) -> Authority:
    """A new one, whom nobody trusts yet."""
    authority = Authority(folder)
    _openssl(authority.own, "Tests", "-addext", "keyUsage=critical,keyCertSign")
    return authority


def _openssl(pair: Pair, name: str, *more: str) -> None:
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
    files = ["-keyout", str(pair.key), "-out", str(pair.certificate)]
    command = ["openssl", "req", "-x509", *kind, *files, *more]
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
