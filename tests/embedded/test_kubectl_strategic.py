"""Strategic merge as upstream does it: kubectl has the server's own code in it, and runs it on what it is given."""

from __future__ import annotations

import json

import pytest

from rollouts.api.resources import Manifest
from rollouts.embedded.schemas import schema_of
from rollouts.embedded.strategic import strategically_merged
from tests.embedded.deployments import deployment
from tests.embedded.strategic_cases import CASES, REFUSED
from tests.kube.kubectl import kubectl_json, run_kubectl

pytestmark = pytest.mark.kube

LOCAL = ("patch", "--local", "--type=strategic", "-f", "-", "-p")


@pytest.mark.parametrize("case", CASES)
def test_each_patch_gives_what_upstream_gives(case: str) -> None:
    """Value by value, and in the same order."""
    schema = schema_of("Deployment")
    assert schema is not None
    theirs = kubectl_json(*LOCAL, json.dumps(CASES[case]), manifest=deployment())
    assert _plain(strategically_merged(deployment(), CASES[case], schema)) == _plain(theirs)


@pytest.mark.parametrize("case", REFUSED)
def test_what_we_refuse_upstream_refuses(case: str) -> None:
    """We are no stricter than a server."""
    assert run_kubectl(*LOCAL, json.dumps(REFUSED[case]), manifest=deployment()).returncode != 0


def _plain(value: object) -> object:
    """Without the empty maps that upstream's types write for what is not set."""
    if isinstance(value, dict):
        kept: Manifest = {name: _plain(each) for name, each in value.items()}
        return {name: each for name, each in kept.items() if each not in ({}, None)}
    return [_plain(each) for each in value] if isinstance(value, list) else value
