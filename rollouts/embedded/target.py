"""Which object or collection a URL path means. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from rollouts.api.resources import ObjectKey
from rollouts.embedded.kinds import Kind, Kinds


@dataclass(frozen=True, slots=True)
class Target:
    """A kind, and as much of a place as the path names."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def key(self) -> ObjectKey:
        """The object that is meant."""
        return ObjectKey(self.namespace, self.name)

    def __str__(self) -> str:
        """As a server writes it: `deployments.apps "app"`."""
        return f'{self.kind.resource} "{self.name}"'


def read_path(path: str, kinds: Kinds) -> Target | None:
    """What `/api/v1/...` or `/apis/GROUP/VERSION/...` means; None if there is no such thing."""
    match path.strip("/").split("/"):
        case ["api", "v1", *rest]:
            return _within(kinds, "", "v1", rest)
        case ["apis", group, version, *rest]:
            return _within(kinds, group, version, rest)
        case _:
            return None


def _within(kinds: Kinds, group: str, version: str, rest: list[str]) -> Target | None:
    match rest:
        case ["namespaces", namespace, plural, *more] if plural != "status":
            kind = kinds.find(group, version, plural)
            found = None if kind is None or not kind.namespaced else _of(kind, namespace, more)
        case [plural, *more]:
            kind = kinds.find(group, version, plural)
            # Only as a whole: an object of a namespaced kind has its namespace in its path.
            found = None if kind is None or (kind.namespaced and more) else _of(kind, "", more)
        case _:
            found = None
    return found


def _of(kind: Kind, namespace: str, more: list[str]) -> Target | None:
    match more:
        case []:
            return Target(kind, namespace)
        case [name]:
            return Target(kind, namespace, name)
        case [name, subresource] if subresource in kind.subresources:
            return Target(kind, namespace, name, subresource)
        case _:
            return None
