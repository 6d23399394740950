"""What one process knows of a server in memory: `ports.Cluster` over stores that hear of changes when they are told.

The stores never go backwards for one object: what is older than what is known is ignored, as the real stores do. Knows
nothing of how late it is told; watch.py decides that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import MappingProxyType

from rollouts.api.known import Known, Listing
from rollouts.api.resources import CONFIG_MAPS, EVENTS, RULES_REVIEWS, SECRETS, Manifest, ObjectKey, Resource
from rollouts.kube.endings import is_ended, key_of
from rollouts.kube.selection import select_config_map, select_secret
from rollouts.ports import Discard, Write
from rollouts.testing.memory_server import MemoryServer, Place

UNSTORED = (EVENTS, RULES_REVIEWS, SECRETS)
"""What is written and not watched, but for Secrets where the operator wants that."""
_SELECTED = MappingProxyType({CONFIG_MAPS: select_config_map, SECRETS: select_secret})


class MemoryView:
    """Implements `ports.Cluster`. Hand-outs are shared, as the real stores' are: treat them as immutable."""

    def __init__(self, server: MemoryServer) -> None:
        self._server = server
        self._known: dict[Resource, dict[str, dict[ObjectKey, Known]]] = {}
        """By kind and namespace."""
        self._heard: dict[Place, int] = {}
        self._listed_at = 0
        self._kind_listed_at: dict[Resource, int] = {}
        self.on_change: Callable[[Resource, ObjectKey], None] = lambda _resource, _key: None
        self.follows_secrets = False
        """Whether changes of Secrets are told, as with `ROLLOUTS_SECRETS=watch`: what is in them is not, even then."""
        self.troubles: dict[Resource, str] = {}

    def read(self, resource: Resource, key: ObjectKey) -> Manifest | None:
        """As the port says."""
        known = self._of(resource, key.namespace).get(key)
        return None if known is None else known.read()

    def list_all(self, resource: Resource, namespace: str = "") -> Listing:
        """As the port says."""
        spaces = [self._of(resource, namespace)] if namespace else self._known.get(resource, {}).values()
        return Listing({key: known for space in spaces for key, known in space.items()})

    def trouble(self, resource: Resource) -> str:
        """As the port says."""
        return self.troubles.get(resource, "")

    async def write(self, write: Write) -> Manifest:
        """As the port says."""
        answer = self._server.carry_out(write)
        self.absorb(write, answer)
        return {} if write.resource == SECRETS else answer

    def absorb(self, write: Write, answer: Manifest) -> None:
        """The answer to a write of ours is seen by the next read."""
        if self._is_unstored(write.resource) or isinstance(write, Discard):
            return
        place = (write.resource, key_of(write))
        if is_ended(write, answer):
            self.hear(place, None, self._server.journal.ended_at(place))
        else:
            self.hear(place, answer, int(answer["metadata"]["resourceVersion"]))

    def hear(self, place: Place, manifest: Manifest | None, version: int) -> None:
        """An object as it was at `version`, None if it was deleted then. Older than what is known, it is ignored."""
        if self._is_unstored(place[0]):
            return
        if version <= max(self._listed_at, self._kind_listed_at.get(place[0], 0), self._heard.get(place, 0)):
            return
        self._heard[place] = version
        before = self.read(*place)
        if manifest is not None and place[0] in _SELECTED:
            manifest = _SELECTED[place[0]](manifest)
        if manifest is None:
            self._of(place[0], place[1].namespace).pop(place[1], None)
        else:
            self._known.setdefault(place[0], {}).setdefault(place[1].namespace, {})[place[1]] = Known(manifest)
        if _content(before) != _content(manifest):
            self.on_change(*place)

    def list_again(self, only: Resource | None = None) -> None:
        """Everything of one kind, or of all, as the server has it now. Whatever is older is old news from then on."""
        version = self._server.version
        for place in dict.fromkeys([*self._places(), *self._server.places()]):
            if only in {None, place[0]}:
                stored = self._server.stored(*place)
                self.hear(place, stored, version if stored is None else int(stored["metadata"]["resourceVersion"]))
        if only is None:
            self._listed_at = version
        else:
            self._kind_listed_at[only] = version

    def _is_unstored(self, resource: Resource) -> bool:
        return resource in UNSTORED and not (resource == SECRETS and self.follows_secrets)

    def _of(self, resource: Resource, namespace: str) -> dict[ObjectKey, Known]:
        return self._known.get(resource, {}).get(namespace, {})

    def _places(self) -> Iterator[Place]:
        for resource, namespaces in self._known.items():
            for known in namespaces.values():
                yield from ((resource, key) for key in known)


def _content(manifest: Manifest | None) -> Manifest | None:
    if manifest is None:
        return None
    return {**manifest, "metadata": manifest["metadata"] | {"resourceVersion": ""}}
