from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from rollouts.demo.view import WIDTH, draw, frame_for
from tests.demo.test_recording import picture


def drawn(width: int, height: int) -> list[str]:
    """The longest moment there is, on a terminal of that size, row by row."""
    one = picture(42.0, "WaitingPromotion", 100.0)
    sides = tuple(replace(side, versions=("2", "3")) for side in one.sides)
    chapters = (replace(one.chapters[0], expected="a release waits at its gate, is approved, and promoted", ok=False),)
    whole = replace(one, gate="confirm-promotion", chapters=chapters * 3, lines=one.lines * 9, metrics=one.metrics * 2,
                    sides=sides)  # fmt: skip
    console, frame = Console(file=StringIO(), width=width, height=height), frame_for(width, height)
    assert frame is not None
    with console.capture() as captured:
        console.print(draw(whole, frame))
    return captured.get().splitlines()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (80, 20), (104, 30), (105, 25), (WIDTH, 26), (300, 90)])
def test_numbers_are_whole_on_every_terminal_that_gets_a_view(width: int, height: int) -> None:
    """Bars and words give way; nothing is wider or higher than the terminal."""
    rows = drawn(width, height)
    assert max(map(len, rows)) <= min(width, WIDTH)
    assert len(rows) < height
    side = next(row for row in rows if "shop  " in row)
    assert all(told in side for told in ("2 and 3", "2 of 2", "100 %", "100.0 %", "84.0 %", "21 ms"))
    assert sum("NOT AS TOLD" in row for row in rows) == 3
    text = " ".join(rows)
    assert "WaitingPromotion, waits at the gate confirm-promotion" in text
    assert "BROKEN  request-success-rate 84.00 % (limit at least 99 %)" in text
    assert "simulated" in text


@pytest.mark.parametrize(("width", "height"), [(79, 24), (80, 19), (40, 10), (0, 0)])
def test_a_terminal_that_is_too_small_gets_no_view(width: int, height: int) -> None:
    """Half a view would show the wrong half."""
    assert frame_for(width, height) is None
