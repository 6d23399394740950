"""How far each AlertProvider has come, in the bytes that a status has for it."""

from __future__ import annotations

from rollouts.api.resources import ObjectKey
from rollouts.api.status import NUMBER_MAX, RECEIPT_MAX
from rollouts.core.receipts import THREAD_MAX, Receipt, mark_of, read_receipts, with_threads, write_receipts

THREAD = "C0123456789/1503435956.000247"


def test_a_receipt_survives_the_status() -> None:
    """With its thread or without."""
    for receipt in (Receipt("a1b2c3", 7), Receipt("a1b2c3", 7).with_thread("9f3a1b2c4d5e6f70", THREAD)):
        assert read_receipts(write_receipts([receipt], 1)) == {"a1b2c3": receipt}


def test_the_longest_fits() -> None:
    """A mark, the greatest number and the longest handle."""
    longest = Receipt(mark_of(ObjectKey("n" * 63, "p" * 253)), NUMBER_MAX).with_thread("9f3a", "x" * THREAD_MAX)
    assert len(str(longest)) <= RECEIPT_MAX
    assert write_receipts([longest], 1) == (str(longest),)


def test_a_thread_is_of_one_release() -> None:
    """Another revision begins another one."""
    receipt = Receipt("a", 1).with_thread("9f3a1b2c4d5e6f70", THREAD)
    assert receipt.thread_of("9f3a1b2c4d5e6f70") == THREAD
    assert receipt.thread_of("0000000000000000") == ""
    assert receipt.with_thread("0000", "") == receipt


def test_a_handle_that_does_not_fit_is_not_kept() -> None:
    """It would break the line, or the status."""
    for handle in ("two words", "x" * (THREAD_MAX + 1), "ü", "a\tb"):
        assert Receipt("a", 1).with_thread("9f3a", handle) == Receipt("a", 1)


def test_what_does_not_matter_any_more_is_left_out() -> None:
    """A number before the oldest notice says nothing; a thread does."""
    old, threaded = Receipt("b", 3), Receipt("a", 3).with_thread("9f3a", THREAD)
    assert write_receipts([old, threaded], 4) == (str(threaded),)
    assert write_receipts([old, threaded], 3) == (str(threaded), str(old))
    assert with_threads((str(old), str(threaded), "nonsense")) == (str(threaded),)
    assert write_receipts([Receipt("m" * RECEIPT_MAX, 9)], 1) == ()


def test_what_cant_be_read_is_not_there() -> None:
    """Somebody may have written into the status."""
    assert read_receipts(["", "a", "a b", "a -1 c d", "b 2 c d"]) == {"b": Receipt("b", 2, "c", "d")}
