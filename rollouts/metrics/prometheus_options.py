"""How a Prometheus is asked, and what proves who asks: tokens, passwords and certificates, from files that may change.

Files are read when they have changed, for each query: a token of a Kubernetes service account lives an hour. What is
in them is in no repr and in no reason.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from requests.adapters import HTTPAdapter

from rollouts.errors import RolloutsError

TENANT_HEADER = "X-Scope-OrgID"
"""By which Mimir, Cortex and Loki tell tenants apart; Thanos takes it where it is told to."""


class CredentialsMissing(RolloutsError):
    """A file that is to prove who asks can't be read, or holds nothing that a header can carry."""


@dataclass(frozen=True, slots=True)
class PrometheusOptions:
    """How a Prometheus is asked. Proxies, .netrc and CA settings of the environment play no part."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent with each query, say Authorization."""
    bearer_token_file: str = ""
    username: str = ""
    password_file: str = ""
    tenant: str = ""
    """Whose data are asked for, where a server has those of many."""
    ca_file: str = ""
    """CA certificates to trust instead of the usual ones."""
    cert_file: str = ""
    """The client's certificate, for mutual TLS; with `key_file`."""
    key_file: str = ""
    adapter: Callable[[], HTTPAdapter] | None = field(default=None, repr=False)
    """What each connection goes through, in place of the usual one and of the three files above."""
    connect_timeout_s: float = 2.0
    read_timeout_s: float = 5.0
    """The longest silence while waiting for an answer; Prometheus is told to give the evaluation up then."""
    workers: int = 8
    """Queries in flight at most."""

    @property
    def patience_s(self) -> float:
        """How long a caller waits at most, the queue for a thread included."""
        return 2 * (self.connect_timeout_s + self.read_timeout_s)


class Credentials:
    """The headers that a query is sent with. Used by one thread at a time."""

    def __init__(self, options: PrometheusOptions) -> None:
        self._options = options
        self._fixed = dict(options.headers) | ({TENANT_HEADER: options.tenant} if options.tenant else {})
        self._read: dict[str, tuple[tuple[int, int, int], str]] = {}
        """By path: which file it was, and what is in it."""

    def headers(self) -> Mapping[str, str]:
        """All of them, as the files are now. Raises CredentialsMissing."""
        options = self._options
        if options.bearer_token_file:
            return self._fixed | {"Authorization": f"Bearer {self._content(options.bearer_token_file)}"}
        if options.username:
            password = self._content(options.password_file) if options.password_file else ""
            pair = base64.b64encode(f"{options.username}:{password}".encode()).decode()
            return self._fixed | {"Authorization": f"Basic {pair}"}
        return self._fixed

    def _content(self, path: str) -> str:
        try:
            state = Path(path).stat()
            known = (state.st_ino, state.st_mtime_ns, state.st_size)
            if path not in self._read or self._read[path][0] != known:
                self._read[path] = known, Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise CredentialsMissing(f"the credentials in {path} can't be read: {type(error).__name__}") from error
        content = self._read[path][1]
        if not content or not content.isprintable():
            raise CredentialsMissing(f"the credentials in {path} are no single line of text")
        return content
