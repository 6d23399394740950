"""What an operator can set, from the environment: ROLLOUTS_METRICS_SERVER and so on. Read once, at the start."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """One frozen object for the whole process."""

    model_config = SettingsConfigDict(env_prefix="ROLLOUTS_", frozen=True, extra="ignore")

    kubeconfig: Path | None = Field(None, description="Path of a kubeconfig; by default the pod's service account.")
    metrics_server: str = Field("http://prometheus:9090", description="URL of Prometheus.")
    listen: str = Field(
        "0.0.0.0:8080", pattern=r"^[^:]+:\d+$", description="Address of /healthz, /readyz and /metrics."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least level logged.")
    workers: int = Field(8, ge=1, le=64, description="Canaries worked on side by side.")
