"""The API and the command line say the same of a Canary: both by one outlook and one history."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rollouts.cli.cluster import describing, runs
from rollouts.cli.cluster.model import known_of
from rollouts.core.history import runs_of
from rollouts.core.outlook import outlook
from rollouts.server.views import detail_of, history_of
from tests.cli.test_golden import NAMES, NOW, TOLD, told_events

AHEAD = ("why", "next", "possible", "safe")


def _canary(name: str) -> dict[str, Any]:
    """One of those whose pages can be read, as the API server has it."""
    canary: dict[str, Any] = TOLD[name]
    return {**canary, "metadata": canary["metadata"] | {"uid": "1", "resourceVersion": "1"}}


def _plain(told: Any) -> Any:
    """As JSON, instants as one text."""
    return json.loads(json.dumps(told, default=str).replace("+00:00", "Z"))


@pytest.mark.parametrize("name", NAMES)
def test_the_detail_says_what_describe_says(name: str) -> None:
    """Why it is where it is, what comes next and when, what may be asked, and what is safe."""
    known = known_of(_canary(name))
    page = describing.Described(_canary(name), known, outlook(known.spec, known.status, NOW), (), NOW)

    detail = detail_of(_canary(name), NOW).model_dump(mode="json", by_alias=True)

    assert {field: detail[field] for field in AHEAD} == {
        field: _plain(describing.as_told(page))[field] for field in AHEAD
    }  # fmt: skip
    assert detail["why"]


def test_the_history_says_what_history_says() -> None:
    """Each release with its outcome, its times and the largest share, the newest first; not what Flagger's was told."""
    foreign = {
        "metadata": {}, "reason": "Succeeded", "lastTimestamp": "2026-03-02T11:59:59Z",
        "message": "Revision 00000000000000ff is promoted",
        "involvedObject": {"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "name": "cart"},
    }  # fmt: skip

    told = [
        one.model_dump(mode="json", by_alias=True) for one in history_of(_canary("failed"), [*told_events(), foreign])
    ]

    assert told == _plain([runs.as_told(one) for one in reversed(runs_of(told_events(), _canary("failed")))])
    assert len(told) > 1


def test_a_spec_that_is_not_understood() -> None:
    """The detail says what is wrong with it, and all that the status says besides."""
    broken = _canary("gate")
    broken["spec"] = {**broken["spec"], "analysis": {"interval": "soon"}}

    detail = detail_of(broken, NOW)

    assert "interval" in detail.why
    assert (detail.next, detail.possible, detail.safe, detail.phase) == ([], [], None, "WaitingPromotion")
