from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.kube.lines import LineSplitter, LineTooLong


@given(data=st.binary(max_size=200), cuts=st.lists(st.integers(0, 200)))
def test_cuts_do_not_matter(data: bytes, cuts: list[int]) -> None:
    """However the bytes are cut into pieces, the lines and the rest are the same as of the whole."""
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    splitter = LineSplitter()
    lines = [line for start, end in pairwise(places) for line in splitter.feed(data[start:end])]
    assert [*lines, splitter.flush()] == data.split(b"\n")


def test_a_line_may_be_as_long_as_the_limit_and_no_longer() -> None:
    """The bound holds for one line, however many pieces it comes in."""
    splitter = LineSplitter(limit_bytes=4)
    assert splitter.feed(b"1234\n12") == [b"1234"]
    splitter.feed(b"34")
    with pytest.raises(LineTooLong):
        splitter.feed(b"5")
