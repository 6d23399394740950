"""An object as it is known, and all of a kind: what a store hands out.

Most Canaries are at rest most of the time, and a thousand of them would fill the memory with what nobody reads. So an
object that nobody has read for a while is packed, and unpacked when it is read again. What a pure function says of one
state is worked out once for that state and stays: whoever goes through all objects reads that, and unpacks none.

Pure. Knows no store, and not when something has not been read for long.
"""

from __future__ import annotations

import marshal
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from rollouts.api.resources import Manifest, ObjectKey

T = TypeVar("T")

_LEVEL = 1
"""Of zlib. Higher ones take longer, and save little of objects this small."""


class Known:
    """One state of one object. It never changes; what is read of it is shared: treat it as immutable."""

    __slots__ = ("_asked", "_manifest", "_packed", "_said", "_was_read", "key")

    def __init__(self, manifest: Manifest) -> None:
        self.key = ObjectKey.of(manifest)
        self._manifest: Manifest | None = manifest
        self._packed = b""
        self._asked: tuple[Callable[[Manifest], Any], ...] = ()
        self._said: tuple[Any, ...] = ()
        """What each of those said: they are few, and a dict takes four times the room."""
        self._was_read = True

    def read(self) -> Manifest:
        """The object. The same one again, as long as it is read now and then."""
        self._was_read = True
        if self._manifest is None:
            self._manifest = self._unpacked()
        return self._manifest

    def told(self, of: Callable[[Manifest], T]) -> T:
        """What a pure function says of it. It is kept, so it must be small, and hold no part of the object."""
        if of in self._asked:
            known: T = self._said[self._asked.index(of)]
            return known
        answer = of(self._unpacked() if self._manifest is None else self._manifest)
        self._asked, self._said = (*self._asked, of), (*self._said, answer)
        return answer

    def rest(self) -> None:
        """Pack it, if nobody has read it since the last time that this was asked."""
        if self._was_read:
            self._was_read = False
        elif self._manifest is not None:
            # Within one process, and names of fields stay what they are: in memory once for all objects.
            self._packed = zlib.compress(marshal.dumps(self._manifest), _LEVEL)
            self._manifest = None

    def _unpacked(self) -> Manifest:
        manifest: Manifest = marshal.loads(zlib.decompress(self._packed))  # noqa: S302 - it was packed here
        return manifest


class Listing:
    """Objects of one kind, in no order, as they were when they were asked for. To go through them reads each."""

    def __init__(self, known: Mapping[ObjectKey, Known]) -> None:
        """What is handed over must not change any more."""
        self._known = known

    @classmethod
    def of(cls, manifests: Iterable[Manifest]) -> Listing:
        """Of objects that are in memory anyway."""
        return cls({known.key: known for known in map(Known, manifests)})

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[Manifest]:
        return (one.read() for one in self._known.values())

    def __contains__(self, key: object) -> bool:
        return key in self._known

    @property
    def known(self) -> Iterable[Known]:
        """Each, to be asked what is told of it."""
        return self._known.values()

    def find(self, key: ObjectKey) -> Known | None:
        """One of them."""
        return self._known.get(key)

    def is_same(self, other: Listing) -> bool:
        """Whether both have the same states in the same order."""
        one, two = self._known, other._known
        if one is two:
            return True
        return len(one) == len(two) and all(a is b for a, b in zip(one.values(), two.values(), strict=True))
