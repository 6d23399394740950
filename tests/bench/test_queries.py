"""The count of queries itself: what it calls broken, on small herds. No figures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollouts.core.measurement import Value
from rollouts.metrics.grouping import GroupingOptions
from tests.bench.queries import LIMITS, TWO_JUDGEMENTS_S, Measured, measures_of, told
from tests.engine.herd import GRID_S, Herd


def _herd(options: GroupingOptions | None = None) -> Herd:
    herd = Herd(6, options=options)
    herd.run(TWO_JUDGEMENTS_S)
    return herd


@pytest.fixture(scope="module")
def herd() -> Herd:
    """Six Canaries through their first judgements."""
    return _herd()


@pytest.fixture(scope="module")
def found(herd: Herd) -> Measured:
    """What they cost."""
    return measures_of(herd)


def test_a_herd_within_its_limits_breaks_none(found: Measured) -> None:
    """Each Canary judged by both metrics, more questions than queries, and every answer that of one query alone."""
    assert found.broken == []
    assert (found.size, found.judged, found.unequal) == (6, 6, ())
    assert 0 < found.most <= LIMITS[100]
    assert sum(found.questions.values()) > 3 * sum(found.queries.values()) > 0
    assert found.answers >= sum(found.questions.values())
    assert not any("BROKEN" in line for line in told(found))


def test_one_query_for_each_question_is_above_the_limit() -> None:
    """Without grouping six Canaries cost more than a hundred may."""
    alone = measures_of(_herd(GroupingOptions(chunk=1, grid_s=GRID_S)))
    assert alone.most > LIMITS[100]
    assert [words for words in alone.broken if "queries for one instant" in words]
    assert alone.unequal == ()


def test_an_answer_that_is_not_its_own_is_found(herd: Herd) -> None:
    """However little it differs, and that of another Canary too."""
    one = next(one for one in herd.answered if isinstance(one.outcome, Value) and herd.is_due(one.at))
    assert isinstance(one.outcome, Value)
    wrong = replace(one, outcome=Value(one.outcome.number * (1 + 2e-16) + 5e-324))
    assert wrong.outcome != one.outcome
    herd.answered.append(wrong)
    spoilt = measures_of(herd)
    herd.answered.pop()
    assert spoilt.unequal == (wrong,)
    assert [words for words in spoilt.broken if "1 answers differ" in words]
    assert any("BROKEN" in line for line in told(spoilt))


def test_a_herd_that_nobody_judged_shows_nothing(found: Measured) -> None:
    """No query is no success."""
    assert replace(found, queries={}, judged=0).broken == ["6 Canaries were not judged by each metric"]


@pytest.mark.parametrize(("size", "limit"), [(1, 4), (100, 4), (101, 20), (1000, 20)])
def test_the_limit_follows_the_number_of_canaries(found: Measured, size: int, limit: int) -> None:
    """Four up to a hundred, twenty up to a thousand."""
    assert replace(found, size=size).limit == limit
