"""Two Canaries whose long names began alike owned each other's objects: one took away what the other had made."""

from __future__ import annotations

from rollouts.api.ownership import Owner, original_routes_annotation


def test_long_names_that_begin_alike_are_two_owners() -> None:
    """Also on the routes of the user, where each keeps what was there before it."""
    one, other = (Owner("shop", f"{'a' * 70}-{end}", end) for end in ("eu", "us"))
    made = {"metadata": {"labels": one.labels()}}

    assert one.owns(made)
    assert not other.owns(made)
    assert original_routes_annotation(one) != original_routes_annotation(other)
