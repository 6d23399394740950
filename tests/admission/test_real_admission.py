"""The same Canaries, given to a real API server and to `admit`: the answers are equal, text for text."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rollouts.admission.admit import STATUS, FieldValidation, admit
from rollouts.admission.definition import definitions_of
from rollouts.api.crd import canary_crd
from rollouts.api.resources import CANARIES
from tests.admission.real_server import RealServer, real_server, refusal_of_ours
from tests.admission.rows import ROWS, Row, changed
from tests.api.canaries import good_spec, manifest
from tests.kube.kubectl import run_kubectl

pytestmark = pytest.mark.kube

CANARY = definitions_of(canary_crd())[0]
CRD_FILE = Path(__file__).parents[2] / "crds" / "canary.yaml"
DEADLINE_S = 20.0


@pytest.fixture(scope="module", autouse=True)
def served() -> None:
    """The CRD, applied and served; it stays, since others in the same lab use it too."""
    applied = run_kubectl("apply", "--server-side", "--force-conflicts", "-f", str(CRD_FILE))
    assert applied.returncode == 0, applied.stderr
    deadline = time.monotonic() + DEADLINE_S
    attempt = ("create", "--dry-run=server", "-f", "-")
    while (last := run_kubectl(*attempt, manifest=manifest(good_spec(), "served"))).returncode != 0:
        assert time.monotonic() < deadline, last.stderr
        time.sleep(0.1)


@pytest.fixture
async def real() -> AsyncIterator[RealServer]:
    """The server, for Canaries."""
    async with real_server(CANARIES) as server:
        yield server


@pytest.fixture
async def stored(real: RealServer) -> AsyncIterator[dict[str, Any]]:
    """A Canary in the middle of a release."""
    await real.refusal("DELETE", "/admitted", "", None)  # one that a run broken off left behind
    await real.send("POST", "", "", manifest(good_spec(), "admitted"))
    yield await real.send("PATCH", "/admitted/status", "", {"status": {"phase": "Progressing"}})
    await real.send("DELETE", "/admitted", "", None)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_a_bad_canary_is_refused_in_the_servers_words(real: RealServer, row: Row) -> None:
    """Both refuse it, and say the same of the same fields."""
    theirs = await real.refusal("POST", "", "dryRun=All&fieldValidation=Strict", row.manifest())

    assert theirs is not None
    assert refusal_of_ours(CANARY, row.manifest()) == theirs


@pytest.mark.parametrize(
    "spec",
    [good_spec(), changed(service__port=80.0, analysis__threshold=None), changed(service__targetPort="http", foo=1)],
    ids=["good", "whole float and null", "unknown field"],
)
async def test_what_is_admitted_is_what_the_server_stores(real: RealServer, spec: Any) -> None:
    """The defaults, and what is pruned."""
    sent = manifest(spec, "row")
    theirs = await real.send("POST", "", "dryRun=All&fieldValidation=Ignore", sent)

    assert admit(CANARY, sent, field_validation=FieldValidation.IGNORE).manifest["spec"] == theirs["spec"]


@pytest.mark.parametrize(
    "spec",
    [
        {"targetRef": {"name": "other"}},
        {"service": {"name": "other"}},
        {"targetRef": {"name": "other"}, "service": {"name": "q"}, "analysis": {"threshold": 0}},
        {"targetRef": {"name": "other"}, "analysis": {"threshold": "x"}},
        {"analysis": {"interval": "x"}},
        {"analysis": {"interval": "5m"}},
    ],
    ids=str,
)
async def test_a_change_is_judged_as_the_server_does(real: RealServer, stored: dict[str, Any], spec: Any) -> None:
    """The rules about change, with the fields that stay as they are."""
    theirs = await real.refusal("PATCH", "/admitted", "dryRun=All&fieldValidation=Strict", {"spec": spec})
    merged = {name: {**stored["spec"].get(name, {}), **change} for name, change in spec.items()}

    assert refusal_of_ours(CANARY, stored | {"spec": stored["spec"] | merged}, stored) == theirs


TOLD = {"type": "a", "status": "True", "reason": "x", "lastTransitionTime": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    "status",
    [
        {"phase": "Foo"},
        {"startedAt": "yesterday"},
        {"term": True, "drained": 1},
        {"term": -1},
        {"conditions": [TOLD, TOLD]},
        {"conditions": [{"type": "a", "status": "X"}]},
        {"conditions": [{"type": 3}, {"type": 3}]},
        {"phase": "Promoting", "conditions": [TOLD]},
    ],
    ids=str,
)
async def test_a_status_is_judged_as_the_server_does(real: RealServer, stored: dict[str, Any], status: Any) -> None:
    """Types, formats, and lists that are maps."""
    theirs = await real.refusal("PATCH", "/admitted/status", "dryRun=All&fieldValidation=Strict", {"status": status})

    assert refusal_of_ours(CANARY, stored | {"status": stored["status"] | status}, stored, subresource=STATUS) == theirs
