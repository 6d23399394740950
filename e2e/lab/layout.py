"""Where a lab keeps its files, and where the machine keeps built binaries.

A lab is one folder: `env` (for shells), `run/` (keys, data, state: wiped at each start) and `log/`.
Nothing here touches the disk; these are only names.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECKOUT = Path(__file__).resolve().parents[2]
CONFIG = Path(__file__).resolve().parent / "config"
MODULES = Path(__file__).resolve().parent / "modules"


@dataclass(frozen=True, slots=True)
class Layout:
    """The file names of the lab whose folder is `root` (absolute)."""

    root: Path

    @property
    def env(self) -> Path:
        """Shell assignments for people and scripts; exists while the lab is up."""
        return self.root / "env"

    @property
    def log(self) -> Path:
        """One log file for each part; kept after the lab is down."""
        return self.root / "log"

    @property
    def run(self) -> Path:
        """Keys, rendered configuration, data and state of the present run."""
        return self.root / "run"

    @property
    def plan(self) -> Path:
        """What the supervisor is to run."""
        return self.run / "plan.json"

    @property
    def state(self) -> Path:
        """What the supervisor last knew of itself and its parts."""
        return self.run / "state.json"

    @property
    def control(self) -> Path:
        """The pipe by which the supervisor is asked to stop and start parts."""
        return self.run / "control"

    @property
    def pipes(self) -> Path:
        """One pipe for each proxy's access log."""
        return self.run / "pipes"

    @property
    def certificate(self) -> Path:
        """The API server's own certificate with the authority that signed it."""
        return self.run / "pki" / "apiserver.crt"

    @property
    def audit_log(self) -> Path:
        """What the API server was asked, one JSON event a line."""
        return self.log / "audit.log"

    @property
    def query_log(self) -> Path:
        """What Prometheus was asked, one JSON object a line."""
        return self.log / "queries.log"

    @property
    def scrape_log(self) -> Path:
        """What the workload server has shown to each scrape, one JSON object a line."""
        return self.log / "scrapes.log"

    def part_log(self, part: str) -> Path:
        """Both output streams of `part`."""
        return self.log / f"{part}.log"

    def kubeconfig(self, user: str) -> Path:
        """The kubeconfig that speaks to the API server as `user`."""
        return self.run / "kubeconfig" / f"{user.replace(':', '-')}.yaml"


def cache_root(environ: Mapping[str, str]) -> Path:
    """The folder for built binaries: below $XDG_CACHE_HOME, else ~/.cache."""
    base = environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "rollouts-lab"
