"""What pydantic found wrong with a spec, in words for its author."""

from __future__ import annotations

from pydantic import ValidationError


def explain_invalid(invalid: ValidationError) -> str:
    """What is wrong with a spec, field by field, in one line."""
    found = (f"spec.{'.'.join(str(part) for part in error['loc'])}: {error['msg']}" for error in invalid.errors())
    return "; ".join(found)[:1024]
