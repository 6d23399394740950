"""Requests about some objects of one kind: those of a namespace, or with a label, or the one of that name. Pure.

What a person's tool asks; the controller watches whole kinds (requests.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from rollouts.api.resources import ObjectKey, Resource
from rollouts.kube.requests import JSON, PAGE_LIMIT, Request

SELF_REVIEWS = Resource("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview")


@dataclass(frozen=True, slots=True)
class Scope:
    """Which objects are meant; what is empty does not narrow it."""

    resource: Resource
    namespace: str = ""
    labels: str = ""
    fields: str = ""

    @classmethod
    def one(cls, resource: Resource, key: ObjectKey) -> Scope:
        """A single object."""
        return cls(resource, key.namespace, fields=f"metadata.name={key.name}")

    def listed(self, continue_token: str = "") -> Request:
        """A page of them, from the newest state."""
        page = [("limit", str(PAGE_LIMIT)), ("continue", continue_token)]
        return self._read("list", page)

    def watched(self, resource_version: str, timeout_s: int) -> Request:
        """Their changes from there on."""
        return self._read("watch", [
            ("watch", "true"), ("allowWatchBookmarks", "true"),
            ("resourceVersion", resource_version), ("timeoutSeconds", str(timeout_s)),
        ])  # fmt: skip

    def _read(self, verb: str, query: list[tuple[str, str]]) -> Request:
        told = [*query, ("labelSelector", self.labels), ("fieldSelector", self.fields)]
        named = tuple((name, value) for name, value in told if value)
        path = self.resource.path(namespace=self.namespace)
        return Request("GET", path, named, (("Accept", JSON),), None, verb, str(self.resource))


def who_am_i() -> Request:
    """The question as whom the API server knows us."""
    body = {"apiVersion": SELF_REVIEWS.api_version, "kind": SELF_REVIEWS.kind}
    headers = (("Accept", JSON), ("Content-Type", JSON))
    return Request("POST", SELF_REVIEWS.path(), (), headers, body, "create", str(SELF_REVIEWS))
