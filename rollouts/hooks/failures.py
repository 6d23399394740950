"""Why there was no answer to a hook, from the errors of aiohttp, purely."""

from __future__ import annotations

from rollouts.hooks.answer import Silent
from rollouts.reach.failures import NOT_HTTP, Failure, explain, refusal_in


def silence_of(error: Failure, *, timeout_s: float) -> Silent:
    """What happened instead of an answer; what can't be called now, or may not, never can."""
    reason = explain(error, timeout_s=timeout_s)
    return Silent(reason, lasting=reason == NOT_HTTP or bool(refusal_in(error)))
