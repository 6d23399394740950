"""What a person asks of a release, as an annotation that deploy/policies/intents.yaml lets in: in the own name."""

from __future__ import annotations

import json

from e2e.play.kubectl import kubectl

USER = "admin"
"""Who kubectl is in the lab."""


async def ask(verb: str, number: object, canary: str = "app") -> str:
    """Ask it of a Canary in namespace `default`; `number` is another one each time. Raises KubectlError."""
    return await kubectl(*asking(verb, number, canary))


def asking(verb: str, number: object, canary: str = "app") -> tuple[str, ...]:
    """The words of kubectl that ask it."""
    text = json.dumps({"id": str(number), "user": USER})
    return ("annotate", "--overwrite", f"canaries.rollouts.dev/{canary}", f"actions.rollouts.dev/{verb}={text}")
