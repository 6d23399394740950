"""What the API server refused, as a person is told it: what is missing, and the way to it. Pure."""

from __future__ import annotations

from rollouts.api.resources import CANARIES
from rollouts.cli.refused import CommandRefused
from rollouts.errors import Forbidden, KubeError, NotFound, Throttled, Unavailable
from rollouts.kube.kubeconfig import Place

INSTALL = "rollouts crds | kubectl apply --server-side -f -"


def explained(error: KubeError, place: Place, namespace: str) -> CommandRefused:
    """The same as an error for a person. `namespace` is the one that was asked in; empty for all."""
    match error:
        case Forbidden(status=401):
            who = f"user {place.user} of {place}" if place.user else str(place)
            return CommandRefused(
                f"the API server does not know you (401): the credentials of {who} are missing, wrong or expired: "
                "log in again, or choose another by --context"
            )
        case Forbidden():
            return CommandRefused(_forbidden(error, namespace))
        case NotFound():
            return CommandRefused(
                f"{error.resource or CANARIES} is not served by this cluster ({place}): rollouts is not installed "
                f"there; install it by `{INSTALL}`, or choose another cluster by --context"
            )
        case Throttled():
            return CommandRefused("the API server asks to slow down (429): try again in a moment")
        case Unavailable():
            server = f"{place.server} ({place})" if place.server else str(place)
            return CommandRefused(
                f"no answer from the API server {server}: {error}: is it up, and reachable from here? "
                "Choose another by --context"
            )
        case _:
            return CommandRefused(str(error))


def _forbidden(error: KubeError, namespace: str) -> str:
    where = f"in namespace {namespace}" if namespace else "in all namespaces"
    there = f"-n {namespace}" if namespace else "-A"
    return (
        f"you lack the right to {error.verb} {error.resource} {where} (403): ask for a Role with that verb; "
        f"`kubectl auth can-i {error.verb} {error.resource} {there}` tells whether you have it"
    )
