"""Whether the user's objects are what they were, but for what is a Canary's in them. Pure.

Compared is canonical JSON (sorted keys, no blanks) without status and without what the API server counts. A Canary's
are annotations and labels of its group, the weights of its two subsets in the route that it steers, the replicas of the
Deployments that are released, and what is made for it as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from e2e.play.users_part import Json, Kept, canonical, ours_in, users_part
from e2e.protocols.kind import KINDS, TLS

_MADE = "app.kubernetes.io/managed-by"
_RELEASED = frozenset(side.workload for kind in KINDS for side in (kind.first, kind.second))
_SUBSETS = frozenset(side.cluster[1] for side in (TLS.first, TLS.second))


def kept(objects: Iterable[Json]) -> Kept:
    """The user's part of each object."""
    users = (item for item in objects if not _is_made(item))
    return {(item["kind"], item["metadata"]["name"]): canonical(_as_users(item)) for item in users}


def differences(before: Kept, now: Kept) -> Iterator[str]:
    """What is gone, new or changed, in words."""
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            how = "is gone" if key not in now else "is new" if key not in before else f"has become {now[key]}"
            yield f"{' '.join(key)} {how}"


def marks_in(objects: Iterable[Json]) -> list[str]:
    """Names of what a Canary has written into the metadata of the user's objects."""
    users = (item for item in objects if not _is_made(item))
    return [f"{item['kind']} {item['metadata']['name']}: {name}" for item in users for name in ours_in(item)]


def _is_made(item: Json) -> bool:
    return (_MADE, "rollouts") in item["metadata"].get("labels", {}).items()


def _as_users(item: Json) -> Json:
    user = users_part(item)
    name = user["metadata"]["name"]
    if user["kind"] == "Deployment" and name in _RELEASED:
        user["spec"].pop("replicas", None)
    if (user["kind"], name) == ("VirtualService", TLS.user):
        for route in user["spec"]["tls"][0]["route"]:
            if route["destination"].get("subset") in _SUBSETS:
                route.pop("weight", None)
    return user
