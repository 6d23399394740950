"""What the user asks of the demo, and whether it can be meant."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from rollouts.errors import RolloutsError

_WRITTEN = ("demo.json", "demo.log", "demo.kubeconfig")


class DemoUnusable(RolloutsError):
    """What was asked of the demo can't be done: another path or number has to be given."""


@dataclass(frozen=True, slots=True)
class Options:
    """The flags of the command."""

    keep: bool = False
    plain: bool = False
    record: Path | None = None
    out: Path = Path(".out")
    deadline_s: float = 30.0
    seed: int = 0

    @property
    def kubeconfig(self) -> Path:
        """Where it is written."""
        return (self.out / "demo.kubeconfig").absolute()

    def check(self) -> None:
        """Make the folder, without what an earlier run left there. Raises DemoUnusable."""
        if self.record is not None and (self.record.suffix != ".svg" or not self.record.parent.is_dir()):
            raise DemoUnusable(f"--record {self.record}: name a file that ends in .svg, in a folder that exists")
        if not 1 <= self.deadline_s <= 600:
            raise DemoUnusable(f"--deadline {self.deadline_s:g}: write 1 to 600 seconds")
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            for name in _WRITTEN:
                (self.out / name).unlink(missing_ok=True)
        except OSError as error:
            raise DemoUnusable(f"--out {self.out}: {error.strerror}; name a folder that can be written to") from error
        if not os.access(self.out, os.W_OK):
            raise DemoUnusable(f"--out {self.out}: name a folder that can be written to")
