from __future__ import annotations

from datetime import timedelta

import pytest

from rollouts.core.decision import Announcement
from rollouts.engine.editor import ALIKE_AT_ONCE, ALIKE_EVERY, ALL_AT_ONCE, Editor
from rollouts.testing.virtual_time import START

TEN_S = timedelta(seconds=10)


def warning(text: str, reason: str = "Undecided") -> Announcement:
    """Something that may repeat."""
    return Announcement(reason, text, warning=True)


def test_what_is_said_once_is_written_as_it_is() -> None:
    """At once, and it stands for itself."""
    edition = Editor().edit(warning("no data"), START)
    assert edition is not None
    assert (edition.news.message, edition.count, edition.first_at) == ("no data", 1, START)


def test_warnings_that_differ_in_numbers_become_one_every_ten_minutes() -> None:
    """Six hours of one every ten seconds: a few at first, then each says how many it stands for, and since when."""
    editor, written = Editor(), []
    for number in range(6 * 360):
        now = START + number * TEN_S
        edition = editor.edit(warning(f"success rate {90 + number / 100:.2f} %, check {number}"), now)
        if edition is not None:
            written.append((now, edition))
    assert len(written) <= ALIKE_AT_ONCE + 6 * 6 + 1
    assert [edition.count for _, edition in written[:ALIKE_AT_ONCE]] == [1] * ALIKE_AT_ONCE
    now, last = written[-1]
    assert last.count == ALIKE_EVERY / TEN_S
    assert now - last.first_at == ALIKE_EVERY - TEN_S
    assert sum(edition.count for _, edition in written) >= 6 * 360 - ALIKE_EVERY / TEN_S


def test_another_reason_or_another_text_is_not_held_back() -> None:
    """Whatever else is told all the time."""
    editor = Editor()
    for _ in range(100):
        editor.edit(warning("no data"), START)
    assert editor.edit(warning("no data"), START) is None
    assert editor.edit(warning("no data", "Rollback"), START) is not None
    assert editor.edit(warning("Prometheus is away"), START) is not None


def test_the_steps_of_a_release_are_all_written() -> None:
    """A hundred in a quarter of an hour, alike but for their numbers."""
    editor = Editor()
    for number in range(100):
        news = Announcement("Advance", f"Weight {number} -> {number + 1} %, step {number} of 100")
        assert editor.edit(news, START + number * TEN_S) is not None


@pytest.mark.parametrize("is_warning", [True, False], ids=["warnings", "news"])
def test_all_of_a_canary_are_bounded(*, is_warning: bool) -> None:
    """Also where no two texts are alike: names of pods, say."""
    editor = Editor()
    names = ["".join("abcdefghij"[int(digit)] for digit in f"{number:05}") for number in range(3600)]
    written = [
        edition
        for number, name in enumerate(names)
        if (edition := editor.edit(Announcement("Failing", name, warning=is_warning), START + number * TEN_S / 10))
    ]
    assert len(written) <= ALL_AT_ONCE + 60 + 1
