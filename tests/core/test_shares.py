from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.api.resources import ObjectKey
from rollouts.core.shares import Rule, Share, read_share

KEYS = [ObjectKey("shop", f"app-{number}") for number in range(300)]
NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?", fullmatch=True)
MEMBERS = st.lists(NAMES, unique=True, max_size=6).map(tuple)


def owners(share: Share, key: ObjectKey) -> list[str]:
    """Who has it."""
    return [name for name in share.members if share.takes(name, key)]


@given(st.sampled_from(Rule), MEMBERS, st.sampled_from(KEYS))
def test_each_canary_has_one_owner(rule: Rule, members: tuple[str, ...], key: ObjectKey) -> None:
    """As long as there is any replica; whoever is none of them has nothing."""
    share = Share(rule, members)
    assert len(owners(share, key)) == min(1, len(members))
    assert not share.takes("Nobody", key)


def test_the_leader_is_the_first() -> None:
    """It has all Canaries."""
    share = Share(Rule.LEADER, ("b", "a"))
    assert {name for key in KEYS for name in owners(share, key)} == {"b"}


@given(MEMBERS.filter(bool))
def test_who_leaves_or_comes_moves_only_its_own(members: tuple[str, ...]) -> None:
    """The other replicas keep what they have, in whatever order they are written."""
    all_of_them, fewer = Share(Rule.SHARDS, members), Share(Rule.SHARDS, tuple(reversed(members[1:])))
    for key in KEYS[:20]:
        before = owners(all_of_them, key)
        assert before == [members[0]] or before == owners(fewer, key)


def test_the_parts_are_about_equal() -> None:
    """Of 300 Canaries, each of three replicas has between 70 and 130."""
    share = Share(Rule.SHARDS, ("a", "b", "c"))
    for name in share.members:
        assert 70 < sum(share.takes(name, key) for key in KEYS) < 130


def test_a_canary_stays_where_it_is_over_versions() -> None:
    """Replicas of different versions must agree."""
    share = Share(Rule.SHARDS, ("a", "b", "c"))
    assert "".join(owners(share, key)[0] for key in KEYS[:12]) == "bbcccaacabca"


@given(st.sampled_from(Rule), MEMBERS)
def test_what_is_written_is_read(rule: Rule, members: tuple[str, ...]) -> None:
    """Also where there is nobody."""
    assert read_share(str(Share(rule, members))) == Share(rule, members)


@pytest.mark.parametrize("text", ["", "some-new-rule a b"], ids=["nothing", "a rule of a later version"])
def test_what_is_not_understood_is_none(text: str) -> None:
    """Then nothing is known of what its replica does."""
    assert read_share(text) is None
