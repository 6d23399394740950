"""The objects of one kind as they are known now, fed from lists, watches and the answers to our own writes.

These three arrive in any order, and an older state must never come after a newer one. Two facts of the API decide:
resourceVersions of one kind are whole numbers that grow, and a watch brings changes in their order. So everything up
to the *horizon*, the place the watch has reached, is known already, and whatever else speaks of the time before it
is old news. The store sends nothing and knows no connection.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator

from rollouts.api.known import Known, Listing
from rollouts.api.resources import Manifest, ObjectKey, Resource
from rollouts.kube.compact import compact, is_same
from rollouts.kube.selection import Select, select_whole

OnChange = Callable[[Resource, ObjectKey], None]
OnTrouble = Callable[[Resource], None]

TOMBSTONE_LIMIT = 4096
"""Deleted uids remembered, newest first. Only needed where resourceVersions can't be compared."""


class Store:
    """Objects by key. What it hands out is shared: treat it as immutable.

    `on_change` is called when what is kept of an object differs in more than its resourceVersion, after the store
    is whole again; `on_trouble` when the text of `trouble` changes.
    """

    def __init__(
        self,
        resource: Resource,
        *,
        select: Select = select_whole,
        on_change: OnChange = lambda _resource, _key: None,
        on_trouble: OnTrouble = lambda _resource: None,
        namespace: str = "",
    ) -> None:
        """`namespace` is the one that is watched; empty for all."""
        self.resource = resource
        self.namespace = namespace
        self._select = select
        self._on_change = on_change
        self._on_trouble = on_trouble
        self._spaces: dict[str, dict[ObjectKey, Known]] = {}
        """By namespace, which each look at a Canary asks for: it must not look through all."""
        self._lists: dict[str, Listing] = {}
        """What `list_all` said of each namespace, and is still true."""
        self._tombstones: OrderedDict[str, None] = OrderedDict()
        self.horizon = 0
        """The resourceVersion up to which every change is known; 0 before the first list."""
        self.trouble = ""
        """Why this kind can't be watched now, for a person; empty if it can."""

    def read(self, key: ObjectKey) -> Manifest | None:
        """The newest known object, or None."""
        known = self._find(key)
        return None if known is None else known.read()

    def list_all(self, namespace: str = "") -> Listing:
        """All known objects, of one namespace or of all, in no order; the same list as long as they are the same."""
        listed = self._lists.get(namespace)
        if listed is None:
            known = self._spaces.get(namespace, {}) if namespace else {one.key: one for one in self._all()}
            listed = self._lists[namespace] = Listing(known)
        return listed

    def rest(self) -> None:
        """Pack what nobody has read since the last time that this was asked."""
        for known in self._all():
            known.rest()

    def keep(self, manifest: Manifest) -> Manifest:
        """What would be stored of this object."""
        kept = self._select(manifest)
        kept["apiVersion"], kept["kind"] = self.resource.api_version, self.resource.kind
        return kept

    def absorb(self, manifest: Manifest) -> None:
        """An object from a watch event or from the answer to a write of ours, if it is news."""
        version = _version(manifest)
        if version is not None and version <= self.horizon:
            return
        if self._put(self.keep(manifest)):
            self._on_change(self.resource, ObjectKey.of(manifest))

    def remove(self, manifest: Manifest) -> None:
        """An object that a watch saw deleted, with the resourceVersion of its deletion. That uid never comes back."""
        self._bury(manifest)
        key = ObjectKey.of(manifest)
        known = self.read(key)
        if known is None or (_uid(known) != _uid(manifest) and not _is_newer(manifest, known)):
            return  # already gone, or its successor is known
        self._drop(key)
        self._on_change(self.resource, key)

    def forget(self, key: ObjectKey, uid: str) -> None:
        """An object that a write of ours has ended. Nothing older brings it back, and its successor stays."""
        known = self.read(key)
        if known is not None and _uid(known) == uid:
            self.remove(known)

    def advance(self, resource_version: str) -> None:
        """The watch has brought everything up to here."""
        version = _number(resource_version)
        if version is not None:
            self.horizon = max(self.horizon, version)

    def replace(self, kept: Iterable[Manifest], resource_version: str, *, rewound: bool = False) -> None:
        """All objects that exist at `resource_version`, as `keep` made them; what is missing was deleted.

        What a write of ours brought since then stays. `rewound` says that the server's own history went back (a
        restored backup): then the list is right, however old it looks.
        """
        if rewound:
            self._tombstones.clear()
        listed = {ObjectKey.of(manifest): manifest for manifest in kept}
        at = _number(resource_version)
        unlisted = [known for known in self._all() if known.key not in listed]
        changed = [known.key for known in unlisted if _gone_at(known.read(), at, rewound=rewound)]
        for key in changed:
            self._drop(key)
        changed += [key for key, manifest in listed.items() if self._put(manifest, trusted=rewound)]
        self.horizon = at or 0
        for key in changed:
            self._on_change(self.resource, key)

    def note_trouble(self, text: str) -> None:
        """Set why this kind can't be watched; empty when it can."""
        if text != self.trouble:
            self.trouble = text
            self._on_trouble(self.resource)

    def _all(self) -> Iterator[Known]:
        return (known for space in self._spaces.values() for known in space.values())

    def _find(self, key: ObjectKey) -> Known | None:
        return self._spaces.get(key.namespace, {}).get(key)

    def _put(self, kept: Manifest, *, trusted: bool = False) -> bool:
        if _uid(kept) in self._tombstones:
            return False
        key = ObjectKey.of(kept)
        known = self.read(key)
        if known is not None and not trusted and not _is_newer(kept, known):
            return False
        if known is not None and _uid(known) != _uid(kept):
            self._bury(known)
        kept = compact(kept, known)
        self._changing(key.namespace)[key] = Known(kept)
        return known is None or not is_same(kept, known)

    def _drop(self, key: ObjectKey) -> None:
        space = self._changing(key.namespace)
        self._bury(space.pop(key).read())
        if not space:
            del self._spaces[key.namespace]

    def _changing(self, namespace: str) -> dict[ObjectKey, Known]:
        """The objects of a namespace, to be changed: a list of them that was handed out stays as it is."""
        self._lists.pop("", None)
        if self._lists.pop(namespace, None) is not None:
            self._spaces[namespace] = dict(self._spaces.get(namespace, {}))
        return self._spaces.setdefault(namespace, {})

    def _bury(self, manifest: Manifest) -> None:
        uid = _uid(manifest)
        if uid:
            self._tombstones[uid] = None
            self._tombstones.move_to_end(uid)
        if len(self._tombstones) > TOMBSTONE_LIMIT:
            self._tombstones.popitem(last=False)


def _gone_at(known: Manifest, at: int | None, *, rewound: bool) -> bool:
    version = _version(known)
    return rewound or at is None or version is None or version <= at


def _is_newer(candidate: Manifest, known: Manifest) -> bool:
    new, old = _version(candidate), _version(known)
    return new is None or old is None or new > old


def _uid(manifest: Manifest) -> str:
    return str(manifest["metadata"].get("uid", ""))


def _version(manifest: Manifest) -> int | None:
    return _number(manifest["metadata"].get("resourceVersion"))


def _number(resource_version: object) -> int | None:
    """The resourceVersion as the number it is everywhere but in odd aggregated APIs; None there."""
    if isinstance(resource_version, str) and resource_version.isascii() and resource_version.isdigit():
        return int(resource_version[:32])
    return None
