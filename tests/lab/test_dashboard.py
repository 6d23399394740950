"""The play of the dashboard: how it reads what is asked, and that what it expects can fail."""

from __future__ import annotations

import re

import pytest

from e2e.dashboard.judge import ONLY_IN_TROUBLE, judge_alerts, judge_gone, judge_panels, judge_variables
from e2e.dashboard.looking import Shown
from e2e.dashboard.queries import MONITORING, Query, filled, read_dashboard, read_rules

VARIABLES, PANELS = read_dashboard((MONITORING / "dashboard.json").read_text(encoding="utf-8"))
ALERTS = read_rules((MONITORING / "rules.yaml").read_text(encoding="utf-8"))
QUERY = Query("Step", "rollouts_canary_step")
FAILED = Query("RolloutFailed", "x", alert=True)
OTHER = Query("RolloutStalled", "x", alert=True)


def test_every_variable_that_is_used_is_filled() -> None:
    """Those of the dashboard are all there are, each built on the ones before it only."""
    values: dict[str, list[str]] = {}
    for one in VARIABLES:
        assert "$" not in filled(one.series, values)
        values[one.name] = []
    for query in (*PANELS, *ALERTS):
        assert "$" not in filled(query.text, values)
    with pytest.raises(KeyError):
        filled('x{y="$nobody"}', values)


def test_several_values_become_one_pattern() -> None:
    """Each to the letter, whatever signs it has; none chosen is all."""
    text = filled('x{name=~"$name"}', {"name": ["a.b", "c"]})
    assert text == 'x{name=~"a\\\\.b|c"}'
    assert re.fullmatch(text.split('"')[1].replace("\\\\", "\\"), "a.b")
    assert filled('x{name=~"${name}"}', {"name": []}) == 'x{name=~".*"}'


def test_what_may_stay_empty_is_a_panel() -> None:
    """A name that no panel has would excuse nobody."""
    assert ONLY_IN_TROUBLE.keys() <= {query.owner for query in PANELS}


@pytest.mark.parametrize(
    ("shown", "ok"),
    [
        (Shown(QUERY, evaluated=3, with_series=1), True),
        (Shown(QUERY, evaluated=3), False),
        (Shown(QUERY), False),
        (Shown(QUERY, evaluated=3, with_series=3, troubles={"not a counter"}), False),
        (Shown(Query("Reconcile failures per minute", "x"), evaluated=3), True),
        (Shown(Query("Reconcile failures per minute", "x")), False),
    ],
    ids=["shown once", "empty", "never asked", "doubtful", "only in trouble", "never asked, though"],
)
def test_a_panel_has_to_show_something(shown: Shown, *, ok: bool) -> None:
    """At some time in the run, without error or doubt."""
    assert [result.ok for result in judge_panels([shown])] == [ok]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ([Shown(FAILED, evaluated=1, last=("name=app",)), Shown(OTHER, evaluated=1)], [True, True, True]),
        ([Shown(FAILED, evaluated=1), Shown(OTHER, evaluated=1)], [True, True, False]),
        ([Shown(FAILED, evaluated=1, last=("x",)), Shown(OTHER, evaluated=1, last=("x",))], [True, True, False]),
        ([Shown(FAILED, evaluated=1, last=("x",)), Shown(OTHER, evaluated=1, troubles={"no"})], [True, False, True]),
    ],
    ids=["as it should be", "nothing raised", "another one raised", "an error"],
)
def test_one_alert_is_raised_by_a_failure(shown: list[Shown], expected: list[bool]) -> None:
    """Each is evaluated; at the end the one alone."""
    assert [result.ok for result in judge_alerts(shown)] == expected


def test_what_is_left_or_not_offered_is_seen() -> None:
    """A series of a Canary that is gone; a choice that is not the one there is."""
    assert [judge_gone(left, 1.0).ok for left in ((), ("name=app",))] == [True, False]
    values = {"namespace": ["rollouts-system"]}
    assert [judge_variables(values, {"namespace": [name]}).ok for name in ("rollouts-system", "default")] == [
        True,
        False,
    ]
