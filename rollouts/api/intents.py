"""How an action gets onto a Canary: the name of its annotation, and the patch that writes it and nothing else.

For all who write actions in somebody's name, the server and the command line. Approvals have a name of that person, so
that two persons at once do not overwrite each other; those that speak of other revisions make room. The patch names the
object's uid, so that it never lands on a successor of the same name, and fails where what it takes away was changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from rollouts.api.actions import PREFIX, Action, Verb, intent_text, read_actions
from rollouts.api.resources import Manifest


def key_of(user: str) -> str:
    """What stands behind `approve.` for the approvals of that user."""
    return hashlib.sha256(user.encode(errors="replace")).hexdigest()[:12]


def with_key(action: Action) -> Action:
    """The same under the key of who asks, where it is one of those that several persons may ask for at once."""
    own = action.verb is Verb.APPROVE and action.user
    return action.model_copy(update={"key": key_of(action.user)}) if own else action


def annotation_of(action: Action) -> str:
    """The name of its annotation."""
    return f"{PREFIX}{action.verb}{'.' + action.key if action.key else ''}"


def patch_of(canary: Manifest, action: Action) -> list[Manifest]:
    """The operations of a JSON Patch that asks for it on that very Canary."""
    metadata = canary["metadata"]
    annotations: Mapping[str, str] = metadata.get("annotations") or {}
    name = annotation_of(action)
    operations: list[Manifest] = [{"op": "test", "path": "/metadata/uid", "value": metadata["uid"]}]
    if not annotations:
        operations.append({"op": "add", "path": "/metadata/annotations", "value": {name: intent_text(action)}})
        operations.append({"op": "replace", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]})
        return operations
    operations.append({"op": "add", "path": _path(name), "value": intent_text(action)})
    for old in _outdated(canary, action):
        operations.append({"op": "test", "path": _path(old), "value": annotations[old]})
        operations.append({"op": "remove", "path": _path(old)})
    return operations


def _outdated(canary: Manifest, action: Action) -> list[str]:
    """Approvals of other revisions than the one that is approved now."""
    if action.verb is not Verb.APPROVE:
        return []
    others = (one for one in read_actions(canary) if one.key and one.key != action.key)
    return [annotation_of(one) for one in others if one.revision != action.revision]


def _path(name: str) -> str:
    return "/metadata/annotations/" + name.replace("~", "~0").replace("/", "~1")
