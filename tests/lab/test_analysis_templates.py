"""The lab's judgement of shipped templates notices one that is missing, untold or refused."""

from __future__ import annotations

import pytest

from e2e.analysis.templates import judge
from e2e.play.result import Json


def template(name: str, reason: str = "Accepted") -> Json:
    """As it is stored, with what the controller told."""
    told = [{"type": "Ready", "status": "True", "reason": reason, "message": "so"}] if reason else []
    return {"metadata": {"name": name}, "status": {"conditions": told}}


@pytest.mark.parametrize(
    ("stored", "ok"),
    [
        ([template("a"), template("b", "ArgumentsNeeded")], True),
        ([template("a")], False),
        ([template("a"), template("b", "QueryRejected")], False),
        ([template("a"), template("b", "")], False),
    ],
    ids=["taken", "missing", "refused", "untold"],
)
def test_each_template_must_be_taken(stored: list[Json], ok: bool) -> None:  # noqa: FBT001 - a case
    """One that is refused is named, with what was told."""
    [result] = judge(stored, 2, 1.0)
    assert result.ok is ok
    assert ("b" in result.detail) == any("Rejected" in str(one) for one in stored)
