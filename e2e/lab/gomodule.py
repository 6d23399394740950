"""What a lab module says about itself: its tools, the Go it needs, and the key of its build.

Pure: text in, values out. A module holds requirements only; its go.mod's `tool` block is the list
of programs, so that list stands in one place.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

ENVIRONMENT = {
    "CGO_ENABLED": "0",
    "GOFLAGS": "-mod=readonly -buildvcs=false",
    "GOTOOLCHAIN": "local",
    "GOWORK": "off",
}
# Programs whose package path does not end in the name everybody calls them by.
_NAMES = {"go.etcd.io/etcd/server/v3": "etcd"}


@dataclass(frozen=True, slots=True)
class GoModule:
    """One of the lab's modules: `name`, and the text of its go.mod and go.sum."""

    name: str
    go_mod: str
    go_sum: str

    @property
    def go_needed(self) -> str:
        """The least Go version, as in "1.26.0"."""
        return _must_find(r"^go (\S+)$", self.go_mod)

    @property
    def tools(self) -> dict[str, str]:
        """Program name to package path."""
        block = re.search(r"^tool \((.*?)^\)", self.go_mod, re.MULTILINE | re.DOTALL)
        packages = block[1].split() if block else re.findall(r"^tool (\S+)$", self.go_mod, re.MULTILINE)
        return {_NAMES.get(path, PurePosixPath(path).name): path for path in packages}

    @property
    def ldflags(self) -> str:
        """Linker flags. Kubernetes must know its version: clients parse what /version says."""
        found = re.search(r"^require k8s\.io/kubernetes (v(\d+)\.(\d+)\S*)", self.go_mod, re.MULTILINE)
        if not found:
            return "-s -w"
        package = "k8s.io/component-base/version"
        values = {"gitVersion": found[1], "gitMajor": found[2], "gitMinor": found[3]}
        return "-s -w " + " ".join(f"-X {package}.{name}={text}" for name, text in values.items())

    def arguments(self) -> list[str]:
        """The words of `go build` before the output and the packages."""
        return ["build", "-v", "-trimpath", "-ldflags", self.ldflags]

    def key(self, *, go_version: str, platform: str) -> str:
        """The name of the cache entry: equal exactly when the binaries would be."""
        inputs = [
            self.go_mod,
            self.go_sum,
            self.arguments(),
            ENVIRONMENT,
            go_version,
            platform,
        ]
        digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode())
        return f"{self.name}-{digest.hexdigest()}"


def go_version_tuple(text: str) -> tuple[int, ...]:
    """Order for Go versions: "go1.26.8" and "1.26.8" are (1, 26, 8); a release candidate is less."""
    numbers = _must_find(r"^(?:go)?(\d+(?:\.\d+)*)", text).split(".")
    padded = [int(number) for number in numbers] + [0, 0]
    return (*padded[:3], 0 if "rc" in text or "beta" in text else 1)


def _must_find(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if not found:
        raise ValueError(f"nothing matches {pattern!r}")
    return found[1]
