"""Links are read as they were signed, and nothing else is read at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.api.actions import Verb
from rollouts.api.hooks import GATES
from rollouts.core.links import GateFacts, Link, LinkFlaw, approval_links, intent_id, read_keys, read_link, sign_link

NOW = datetime(2026, 5, 4, tzinfo=UTC)
KEY, OTHER = b"k" * 32, b"o" * 32
_TEXT = st.text(max_size=63)
LINKS = st.builds(
    Link,
    st.builds(GateFacts, _TEXT, _TEXT, _TEXT, st.sampled_from(sorted(GATES)), st.text(max_size=16)),
    st.sampled_from([Verb.APPROVE, Verb.REJECT]),
    st.integers(1, 10**6).map(lambda seconds: NOW + timedelta(seconds=seconds)),
)


@given(LINKS)
def test_what_is_signed_is_read(link: Link) -> None:
    """By whichever of the keys, until it is over."""
    text = sign_link(KEY, link)
    assert read_link([OTHER, KEY], text, NOW) == link
    assert read_link([KEY], text, link.expires_at) is LinkFlaw.EXPIRED
    assert read_link([OTHER], text, NOW) is LinkFlaw.FORGED
    assert read_link([], text, NOW) is LinkFlaw.FORGED


@given(LINKS, st.data())
def test_no_character_can_be_changed(link: Link, data: st.DataObject) -> None:
    """Nor added, nor taken away; not even one that a decoder would overlook."""
    text = sign_link(KEY, link)
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("ABab09-_=. \n%é"))
    others = {text[:place] + letter + text[place + 1 :], text[:place] + letter + text[place:], text[:place]} - {text}
    assert {read_link([KEY], other, NOW) for other in others} == {LinkFlaw.FORGED}


@given(st.text(max_size=3000))
def test_any_text_is_read_without_a_fault(text: str) -> None:
    """And is a link of nobody."""
    assert read_link([KEY], text, NOW) is LinkFlaw.FORGED
    assert intent_id(text).startswith("link-")


@given(
    st.one_of(
        st.binary(max_size=99), st.just(b'["1","a"]'), st.just(b'["2","n","m","u","confirm-rollout","b","approve",1]')
    )
)
def test_what_is_signed_and_says_nothing_is_no_link(body: bytes) -> None:
    """Such as one of a later version, or that asks for more than a gate."""
    from rollouts.core.links import _coded, _mac  # noqa: PLC0415

    assert read_link([KEY], f"{_coded(body)}.{_coded(_mac(KEY, body))}", NOW) is LinkFlaw.FORGED


def test_a_message_has_two() -> None:
    """Below the address that the operator says."""
    facts = GateFacts("shop", "app", "u", min(GATES), "b")
    links = dict(approval_links(KEY, "https://rollouts.example/x/", facts, NOW + timedelta(hours=1)))
    assert list(links) == [Verb.APPROVE, Verb.REJECT]
    for verb, url in links.items():
        base, _, text = url.rpartition("/links/")
        assert base == "https://rollouts.example/x"
        assert read_link([KEY], text, NOW) == Link(facts, verb, NOW + timedelta(hours=1))


def test_a_file_of_keys() -> None:
    """One a line; comments and empty lines are none."""
    assert read_keys(f"# new\n{'n' * 40}\n\n{'o' * 32}\n") == (b"n" * 40, b"o" * 32)


@pytest.mark.parametrize("text", ["", "# nothing\n", "short\n", f"{'n' * 40}\nsecret\n"])
def test_a_key_that_can_be_guessed_is_refused(text: str) -> None:
    """Without showing it."""
    with pytest.raises(ValueError, match="32 characters or more") as refused:
        read_keys(text)
    assert "secret" not in str(refused.value)
