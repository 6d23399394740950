"""What an operator can set, from the environment: ROLLOUTS_METRICS_SERVER and so on. Read once, at the start."""

from __future__ import annotations

import re
import secrets
import socket
from contextlib import suppress
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, FilePath, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from rollouts.errors import RolloutsError, SpecInvalid
from rollouts.reach.policy import ReachPolicy

PREFIX = "ROLLOUTS_"
_NAMESPACE = "rollouts-system"
_IDENTITY_MAX = 63
"""As a label's value."""
_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class SettingsInvalid(RolloutsError):
    """The environment holds a value that can't be meant: the operator has to correct it."""


def _own_namespace() -> str:
    """Of the service account that the pod runs as; outside of a cluster, where deploy/ puts the controller."""
    with suppress(OSError):
        return _NAMESPACE_FILE.read_text().strip() or _NAMESPACE
    return _NAMESPACE


def _own_identity() -> str:
    """In a pod its name; elsewhere one that no other process has."""
    name = re.sub(r"[^a-z0-9-]+", "-", socket.gethostname().lower()).strip("-")[: _IDENTITY_MAX - 7] or "replica"
    return name if _NAMESPACE_FILE.exists() else f"{name}-{secrets.token_hex(3)}"


class Settings(BaseSettings):
    """One frozen object for the whole process."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    kubeconfig: FilePath | None = Field(None, description="Path of a kubeconfig; by default the pod's service account.")
    metrics_server: str = Field("http://prometheus:9090", description="URL of Prometheus.")
    metrics_grid_s: float = Field(
        5.0, ge=0, le=300,
        description="Judgements of Canaries with an interval of twice that or more fall on multiples of so many "
        "seconds, and are asked together: the scrape interval, if it is 5 s or more. 0: each at its own time.",
    )  # fmt: skip
    metrics_bearer_token_file: FilePath | None = Field(None, description="A token for Prometheus; read as it changes.")
    metrics_username: str = Field("", description="For basic authentication.")
    metrics_password_file: FilePath | None = Field(None, description="Its password; read as it changes.")
    metrics_tenant: str = Field("", description="X-Scope-OrgID, for Mimir and others with many tenants.")
    metrics_headers: dict[str, str] = Field({}, repr=False, description="Further headers, as a JSON object.")
    metrics_ca_file: FilePath | None = Field(None, description="CA certificates of Prometheus, in place of the usual.")
    metrics_cert_file: FilePath | None = Field(None, description="The client's certificate, for mutual TLS.")
    metrics_key_file: FilePath | None = Field(None, validate_default=True, description="Its key.")
    listen: str = Field("0.0.0.0:8080", description="Address of /healthz, /readyz and /metrics.")
    api: bool = Field(default=False, description="Whether the controller's process serves /api/v1 too.")
    external_url: str = Field(
        "", max_length=256, description="Where people reach that server: what links in messages begin with."
    )
    link_key_file: FilePath | None = Field(
        None, description="Keys for links that open gates, one a line; the first signs."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least level logged.")
    namespace: str = Field(
        default_factory=_own_namespace,
        description="Where ConfigMap rollouts-policy is: the controller's own namespace.",
    )
    cluster_name: str = Field(
        "", max_length=63, description="What notifications call this cluster; nothing by default."
    )
    identity: str = Field(
        default_factory=_own_identity,
        description="This replica's name among the others: the pod's. Only a restart in place may have the same.",
    )
    sharding: bool = Field(
        default=False, description="Whether all replicas share the Canaries. Else one works, others wait."
    )
    lease_s: int = Field(
        15, ge=0, le=300,
        description="How long a replica that is silent counts as there, in seconds: from 5 on. 0: there is one replica "
        "alone, without a Lease.",
    )  # fmt: skip
    secrets: Literal["get", "watch", "none"] = Field(
        "get",
        description="get: Secrets are read one by one, when it is time to. watch: those that targets refer to are "
        "followed too, by their metadata. none: no right to Secrets is needed, and none is used.",
    )  # fmt: skip
    watch_namespace: str = Field("", description="The one namespace whose Canaries are worked on; empty: all.")
    workers: int = Field(8, ge=1, le=64, description="Canaries worked on side by side.")
    reach_allow: str = Field("", description="Networks, addresses, names, *.domains that providers and hooks may name.")
    reach_deny: str = Field("", description="The same, of those that they may not name; the most specific decides.")

    @field_validator("metrics_server")
    @classmethod
    def _is_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("write a URL such as http://prometheus:9090")
        return value

    @field_validator("external_url")
    @classmethod
    def _is_reached(cls, value: str) -> str:
        return cls._is_url(value).rstrip("/") if value else value

    @field_validator("metrics_tenant", "metrics_username")
    @classmethod
    def _is_one_line(cls, value: str) -> str:
        if not (value.isprintable() and value.isascii()):
            raise ValueError("write one line of ASCII")
        return value

    @field_validator("metrics_headers")
    @classmethod
    def _are_headers(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) or not (text.isprintable() and text.isascii()):
                raise ValueError('write a JSON object of headers, such as {"X-Team": "shop"}')
        return value

    @field_validator("metrics_key_file")
    @classmethod
    def _has_certificate(cls, value: Path | None, others: ValidationInfo) -> Path | None:
        if (value is None) is not (others.data.get("metrics_cert_file") is None):
            raise ValueError("a certificate and its key go together: ROLLOUTS_METRICS_CERT_FILE, _KEY_FILE")
        return value

    @field_validator("namespace", "watch_namespace")
    @classmethod
    def _is_name(cls, value: str, about: ValidationInfo) -> str:
        if value == "" and about.field_name == "watch_namespace":
            return value
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", value):
            raise ValueError("write the name of a namespace, such as rollouts-system")
        return value

    @field_validator("identity")
    @classmethod
    def _is_label(cls, value: str) -> str:
        if len(value) > _IDENTITY_MAX or not re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", value):
            raise ValueError(f"write a name of at most {_IDENTITY_MAX} small letters, digits and dashes")
        return value

    @field_validator("lease_s")
    @classmethod
    def _is_long_enough(cls, value: int) -> int:
        if 0 < value < 5:
            raise ValueError("write 5 or more, or 0 for one replica alone")
        return value

    @field_validator("listen")
    @classmethod
    def _is_address(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or ":" in host or not (port.isascii() and port.isdigit() and int(port) <= 65535):
            raise ValueError("write host:port, such as 0.0.0.0:8080")
        return value

    @field_validator("reach_allow", "reach_deny")
    @classmethod
    def _are_places(cls, value: str) -> str:
        try:
            ReachPolicy(_entries(value))
        except SpecInvalid:
            raise ValueError("write networks, addresses, names or *.domains with commas between them") from None
        return value

    @property
    def reach(self) -> ReachPolicy:
        """Where providers of AnalysisTemplates may send us."""
        return ReachPolicy(_entries(self.reach_allow), _entries(self.reach_deny))


def _entries(written: str) -> tuple[str, ...]:
    return tuple(entry for part in written.split(",") if (entry := part.strip()))


def read_settings() -> Settings:
    """The settings of this process. Raises SettingsInvalid, naming each variable that is wrong, and never its value."""
    try:
        return Settings()
    except ValidationError as invalid:
        wrong = (f"{PREFIX}{str(error['loc'][0]).upper()}: {_plain(error['msg'])}" for error in invalid.errors())
        raise SettingsInvalid("; ".join(wrong)) from None
    except SettingsError:  # of the one field that is no plain text
        raise SettingsInvalid(f"{PREFIX}METRICS_HEADERS: write a JSON object of headers") from None


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")
