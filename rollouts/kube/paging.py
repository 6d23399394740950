"""The whole list of one kind, page by page, each reduced to what is kept before the next one is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rollouts.api.resources import CONFIG_MAPS, Manifest, Resource
from rollouts.errors import Unavailable
from rollouts.kube.requests import PAGE_LIMIT, list_page
from rollouts.kube.selection import is_object
from rollouts.kube.transport import Response, Transport

CONFIG_MAPS_LIMIT = 50
"""ConfigMaps in one page: each may have a megabyte."""


@dataclass(frozen=True, slots=True)
class Listing:
    """All objects of a kind as they were at `resource_version`."""

    manifests: tuple[Manifest, ...]
    resource_version: str


@dataclass(frozen=True, slots=True)
class _Page:
    items: list[Manifest]
    resource_version: str
    continue_token: str


async def list_pages(
    transport: Transport, resource: Resource, keep: Callable[[Manifest], Manifest], namespace: str = ""
) -> Listing:
    """The newest list, `keep` applied to each object. Raises KubeError; Gone if a continue token grew too old."""
    manifests: list[Manifest] = []
    limit = CONFIG_MAPS_LIMIT if resource == CONFIG_MAPS else PAGE_LIMIT
    page = _read(await transport.send(list_page(resource, namespace=namespace, limit=limit)))
    while True:
        manifests.extend(keep(item) for item in page.items)
        if not page.continue_token:
            return Listing(tuple(manifests), page.resource_version)
        token = page.continue_token
        page = _read(await transport.send(list_page(resource, namespace=namespace, continue_token=token, limit=limit)))


def _read(response: Response) -> _Page:
    told = response.manifest()
    metadata, items = told.get("metadata"), told.get("items", "missing")
    items = [] if items is None else items  # how Go writes an empty list
    version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
    if not version or not isinstance(items, list) or not all(is_object(item) for item in items):
        request = response.request
        raise Unavailable(f"{request}: the answer is no list", verb=request.verb, resource=request.resource)
    return _Page(items, str(version), str(told["metadata"].get("continue") or ""))
