"""What is wrong with a spec, in words for its author: said to pydantic, and by it."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import ValidationError


def explain_invalid(invalid: ValidationError, part: str = "spec") -> str:
    """What is wrong with a spec, or another part of an object, field by field, in one line."""
    found = (f"{part}.{'.'.join(str(part) for part in error['loc'])}: {error['msg']}" for error in invalid.errors())
    return "; ".join(found)[:1024]


def refuse_flaw(flaws: Iterable[tuple[bool, str]]) -> None:
    """Raise ValueError with the words of the first flaw that is there."""
    for there, words in flaws:
        if there:
            raise ValueError(words)
