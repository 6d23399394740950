"""What a lab module's go.mod says, and what names its build in the cache."""

from __future__ import annotations

from dataclasses import replace

import pytest

from e2e.lab.build import PROFILES, explain_failure, read_module
from e2e.lab.gomodule import GoModule, go_version_tuple

MODULE = GoModule("some", "module x\n\ngo 1.26.0\n\ntool (\n\ta.dev/b/cmd/one\n\tc.dev/two\n)\n", "c.dev/two h1:abc=\n")


def test_tools_are_the_tool_block() -> None:
    """Programs are named by the last element of the package's path."""
    assert MODULE.tools == {"one": "a.dev/b/cmd/one", "two": "c.dev/two"}


def test_a_single_tool_directive_counts() -> None:
    """`tool PATH` on one line is the same as a block of one."""
    module = replace(MODULE, go_mod="go 1.26.0\n\ntool a.dev/b/cmd/one\n")
    assert module.tools == {"one": "a.dev/b/cmd/one"}


@pytest.mark.parametrize("name", PROFILES["istio"])
def test_committed_modules_name_their_tools_and_their_go(name: str) -> None:
    """Each committed module has tools, and a Go version that can be compared."""
    module = read_module(name)
    assert module.tools
    assert go_version_tuple(module.go_needed) >= (1, 26, 0, 1)


def test_etcd_gets_the_name_everybody_knows() -> None:
    """The package path ends in v3, the program is called etcd."""
    assert read_module("kube").tools["etcd"] == "go.etcd.io/etcd/server/v3"


def test_kubernetes_is_told_its_version() -> None:
    """The linker flags carry the version that go.mod requires, in the three parts clients read."""
    flags = read_module("kube").ldflags
    assert "version.gitVersion=v1." in flags
    assert "version.gitMajor=1 " in flags
    assert "version." not in read_module("prometheus").ldflags


@pytest.mark.parametrize(
    ("changed", "go_version", "platform"),
    [
        pytest.param(MODULE, "go1.26.9", "linux/amd64", id="go version"),
        pytest.param(MODULE, "go1.26.8", "linux/arm64", id="platform"),
        pytest.param(replace(MODULE, go_sum=""), "go1.26.8", "linux/amd64", id="go.sum"),
        pytest.param(replace(MODULE, go_mod=MODULE.go_mod + "\n"), "go1.26.8", "linux/amd64", id="go.mod"),
        pytest.param(
            replace(MODULE, go_mod=MODULE.go_mod + "require k8s.io/kubernetes v1.1.1\n"),
            "go1.26.8",
            "linux/amd64",
            id="linker flags",
        ),
    ],
)
def test_the_key_changes_with_everything_that_decides_a_build(
    changed: GoModule, go_version: str, platform: str
) -> None:
    """Equal input gives an equal key, any different input another one."""
    key = MODULE.key(go_version="go1.26.8", platform="linux/amd64")
    assert key == replace(MODULE).key(go_version="go1.26.8", platform="linux/amd64")
    assert key != changed.key(go_version=go_version, platform=platform)


def test_go_versions_are_ordered_by_number() -> None:
    """1.9 is older than 1.26, and a release candidate older than its release."""
    ordered = ["1.9", "go1.26rc1", "1.26.0", "go1.26.8", "1.27"]
    assert sorted(ordered, key=go_version_tuple) == ordered


def test_an_unreachable_proxy_is_said_in_one_line() -> None:
    """Out of many lines of Go the one that tells of the network is shown, alone."""
    tail = ("go: downloading a.dev/b v1", "a.dev/b@v1: Get: dial tcp: lookup p: no such host", "more")
    said = explain_failure("kube", tail)
    assert "module proxy can't be reached" in said
    assert "no such host" in said
    assert "\n" not in said


def test_a_compile_error_is_not_blamed_on_the_network() -> None:
    """Anything else shows the end of what Go wrote."""
    said = explain_failure("kube", ("x.go:1:1: syntax error",))
    assert said == "kube: go build failed: x.go:1:1: syntax error"
