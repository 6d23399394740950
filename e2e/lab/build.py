"""Builds the lab's programs from the committed modules into a cache named by content.

An entry is whole or absent: it is built beside its place and renamed into it. A lock for each
module lets two builds side by side take turns; the second one finds the first one's work. A
second build of the same content only asks `go env` and looks at folder names.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.lab.errors import LabError
from e2e.lab.gomodule import GoModule, go_version_tuple
from e2e.lab.layout import MODULES, cache_root
from e2e.lab.progress import run_with_progress
from e2e.lab.toolchain import Toolchain, build_environment, find_toolchain

if TYPE_CHECKING:
    from collections.abc import Iterator

PROFILES: dict[str, tuple[str, ...]] = {
    "core": ("kube", "helm"),
    "istio": ("kube", "istio", "prometheus"),
}
CRDS_FILE = "istio-crds.yaml"
# What Go says when it is the network, not the code. Lower case.
_NETWORK_SIGNS = (
    "dial tcp",
    "proxyconnect",
    "no such host",
    "connection refused",
    "i/o timeout",
    "tls handshake timeout",
    "network is unreachable",
    "disabled by goproxy=off",
)


@dataclass(frozen=True, slots=True)
class Built:
    """Cache entries by module name, each a folder with `bin/`."""

    entries: dict[str, Path]

    @property
    def bin_folders(self) -> tuple[Path, ...]:
        """What to put on PATH."""
        return tuple(entry / "bin" for entry in self.entries.values())

    def program(self, name: str) -> str:
        """The path of a built program; KeyError when no module has it."""
        for folder in self.bin_folders:
            if (folder / name).exists():
                return str(folder / name)
        raise KeyError(name)

    @property
    def istio_crds(self) -> Path:
        """Istio's CustomResourceDefinitions, one YAML file."""
        return self.entries["istio"] / CRDS_FILE


def build(profile: str = "istio") -> Built:
    """Have every program that `profile` needs; prints what it does.

    Raises LabError with one line when a build can't be done.
    """
    cache = cache_root(os.environ)
    cache.mkdir(parents=True, exist_ok=True)
    modules = [read_module(name) for name in PROFILES[profile]]
    needed = max((module.go_needed for module in modules), key=go_version_tuple)
    with _locked(cache / "toolchain.lock", "another build is fetching Go"):
        toolchain = find_toolchain(needed, cache)
    return Built({module.name: _have(module, toolchain, cache) for module in modules})


def read_module(name: str) -> GoModule:
    """The committed module `name`."""
    folder = MODULES / name
    return GoModule(name, (folder / "go.mod").read_text(), (folder / "go.sum").read_text())


def _have(module: GoModule, toolchain: Toolchain, cache: Path) -> Path:
    entry = cache / module.key(go_version=toolchain.version, platform=toolchain.platform)
    if entry.exists():
        return entry
    with _locked(cache / f"{module.name}.lock", f"another build of {module.name} is running"):
        if entry.exists():
            return entry
        for leftover in cache.glob(f"{module.name}.tmp*"):  # of builds that were killed
            shutil.rmtree(leftover, ignore_errors=True)
        scratch = Path(tempfile.mkdtemp(prefix=f"{module.name}.tmp", dir=cache))
        try:
            _compile(module, toolchain, scratch=scratch, timings=cache / "timings.json")
            scratch.chmod(0o755)
            scratch.rename(entry)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return entry


def _compile(module: GoModule, toolchain: Toolchain, *, scratch: Path, timings: Path) -> None:
    """Build every tool of `module` into `scratch`/bin and note how long it took."""
    last = _read_timings(timings).get(module.name)
    before = f"took {last:.0f} s last time" if last is not None else "first time here"
    print(f"lab build: {module.name} ({', '.join(module.tools)}; {before})", flush=True)
    began = time.monotonic()
    (scratch / "bin").mkdir()
    for name, package in module.tools.items():
        output = ["-o", str(scratch / "bin" / name), package]
        _go(module, toolchain, words=[*module.arguments(), *output], title=f"  {name}")
    if module.name == "istio":
        shutil.copyfile(_istio_api(module, toolchain), scratch / CRDS_FILE)
    seconds = time.monotonic() - began
    # Another module's build may write at the same time and win: then one figure is lost, no more.
    fresh = timings.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(_read_timings(timings) | {module.name: round(seconds, 1)}))
    fresh.replace(timings)
    print(f"lab build: {module.name} built in {seconds:.0f} s", flush=True)


def _go(module: GoModule, toolchain: Toolchain, *, words: list[str], title: str) -> None:
    outcome = run_with_progress(
        [str(toolchain.command), *words],
        title=title,
        cwd=MODULES / module.name,
        environ=build_environment(),
    )
    if outcome.returncode != 0:
        raise LabError(explain_failure(module.name, outcome.tail))


def explain_failure(module: str, tail: tuple[str, ...]) -> str:
    """One line for a failed build, from the last lines that Go wrote."""
    for line in tail:
        if any(sign in line.lower() for sign in _NETWORK_SIGNS):
            return f"{module}: the Go module proxy can't be reached (see `go env GOPROXY`): {line.strip()}"
    return f"{module}: go build failed: {' | '.join(tail[-5:])}"


def _istio_api(module: GoModule, toolchain: Toolchain) -> Path:
    answer = subprocess.run(
        [toolchain.command, "list", "-m", "-f", "{{.Dir}}", "istio.io/api"],
        cwd=MODULES / module.name,
        env=build_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if answer.returncode != 0 or not answer.stdout.strip():
        raise LabError(explain_failure(module.name, tuple(answer.stderr.splitlines())))
    return Path(answer.stdout.strip()) / "kubernetes" / "customresourcedefinitions.gen.yaml"


def _read_timings(path: Path) -> dict[str, float]:
    with contextlib.suppress(FileNotFoundError, ValueError):
        return {str(name): float(value) for name, value in json.loads(path.read_text()).items()}
    return {}


@contextlib.contextmanager
def _locked(path: Path, busy: str) -> Iterator[None]:
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"lab build: {busy}; waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
