"""Why pods that a Canary waits for are not ready: asked when they have had their time, and told while it lasts.

Kubernetes says on the workload itself when pods can't even be made. The rest stands on the pods, which nobody watches:
they are asked for now and then, for as long as something waits for them. Nothing depends on the answer but words.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from rollouts.core.finding import Finding, newest, waited
from rollouts.core.measurement import Explained, Probe, Signal, Subject
from rollouts.core.observed import Observed

ASK_AFTER = timedelta(seconds=15)
"""How long pods may take without being asked: most are ready by then."""
ASK_AGAIN = timedelta(seconds=30)
"""How long an answer holds."""


def why_unready(seen: Observed, side: Subject, since: datetime | None) -> str:
    """Why the pods of that side, which are waited for since then, are not ready; empty where nobody knows."""
    workload = seen.target if side is Subject.CANARY else seen.primary
    if workload is not None and workload.failure:
        return workload.failure
    sample = newest(seen.samples, Probe(Signal.PODS, side), since) if since is not None else None
    return sample.outcome.reason if sample is not None and isinstance(sample.outcome, Explained) else ""


def because(text: str, seen: Observed, side: Subject, since: datetime | None) -> str:
    """The text, and why that is so, where it is known."""
    why = why_unready(seen, side, since)
    return f"{text}: {why}" if why else text


def wait_for_pods(
    text: str, seen: Observed, side: Subject, *, since: datetime | None, ends_at: datetime | None = None
) -> Finding:
    """Nothing to do but wait for the pods of that side, until `ends_at`, and to find out meanwhile what keeps them."""
    why = why_unready(seen, side, since)
    found = replace(waited(f"{text}: {why}" if why else text, wake_at=ends_at), tells=bool(why))
    workload = seen.target if side is Subject.CANARY else seen.primary
    if since is None or workload is None or workload.failure:
        return found
    probe = Probe(Signal.PODS, side)
    last = newest(seen.samples, probe, since)
    ask_at = since + ASK_AFTER if last is None else max(since + ASK_AFTER, last.at + ASK_AGAIN)
    if seen.now >= ask_at:
        return replace(found, asks=(probe,))
    return replace(found, wake_at=ask_at if ends_at is None else min(ask_at, ends_at))
