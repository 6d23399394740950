"""What is said of the server itself: its version and health, what it serves, and the schemas of that."""

from __future__ import annotations

from rollouts.api.resources import Manifest
from rollouts.embedded import discovery, openapi
from rollouts.embedded.kinds import Kind, Kinds


class Documenting:
    """Of one server."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._documents: tuple[tuple[Kind, ...], dict[str, Manifest]] = ((), {})

    def told(self, path: str) -> Manifest | None:
        """The document at a path; None where there is none."""
        kinds = tuple(self._kinds.all())
        match path.strip("/").split("/"):
            case ["version"]:
                return discovery.version()
            case ["healthz" | "livez" | "readyz"]:
                return {"status": "ok"}
            case ["api"]:
                return discovery.core_versions()
            case ["apis"]:
                return discovery.groups(kinds)
            case ["apis", group]:
                return discovery.group(kinds, group)
            case ["api", "v1"] | ["apis", _, _]:
                return discovery.resources(kinds, path.strip("/"))
            case ["openapi", "v3", *rest]:
                documents = self._documented(kinds)
                return documents.get("/".join(rest)) if rest else openapi.index(documents)
            case _:
                return None

    def _documented(self, kinds: tuple[Kind, ...]) -> dict[str, Manifest]:
        """Made anew when a definition was added: it is much to make."""
        if self._documents[0] != kinds:
            told = [
                openapi.Documented(kind.resource, kind.namespaced, kind.schema, tuple(sorted(kind.subresources)))
                for kind in kinds
            ]
            self._documents = kinds, openapi.documents(told)
        return self._documents[1]
