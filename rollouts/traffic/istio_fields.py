"""What the user has us put on each rule of ours beside its routing: timeout, retries, rewrite, headers, CORS, faults.

Pure. A field that the spec sets is the spec's as a whole; of `headers`, each entry is. What others put there stays.
What was put there last stands in an annotation, so that a field that leaves the spec leaves the rules, and one that
somebody else wrote does not.
"""

from __future__ import annotations

import json
from typing import Any

from rollouts.api.canary import CanarySpec
from rollouts.api.http_rule import as_istio
from rollouts.api.ownership import APPLIED_FIELDS_ANNOTATION
from rollouts.api.resources import Manifest
from rollouts.traffic.istio_metadata import annotation_operations, annotations_of

_HEADERS = "headers"


def wanted_fields(spec: CanarySpec) -> Manifest:
    """The fields as a rule has them; none for connections."""
    service = spec.exposure
    models = {
        "rewrite": service.rewrite,
        "retries": service.retries,
        _HEADERS: service.headers,
        "corsPolicy": service.cors_policy,
        "fault": service.fault,
    }
    fields = {key: as_istio(model) for key, model in models.items() if model is not None}
    timeout = {"timeout": service.timeout} if service.timeout is not None else {}
    return {key: value for key, value in fields.items() if value} | timeout


def applied_fields(manifest: Manifest | None) -> Manifest:
    """What was put there last; nothing if nobody knows."""
    try:
        found = json.loads(annotations_of(manifest).get(APPLIED_FIELDS_ANNOTATION, ""))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def with_fields(rule: Manifest, wanted: Manifest, before: Manifest) -> Manifest:
    """The rule with what is wanted, without what was wanted before and is no more."""
    gone = before.keys() - wanted.keys() - {_HEADERS}
    out = {key: value for key, value in rule.items() if key not in gone}
    out |= {key: value for key, value in wanted.items() if key != _HEADERS}
    if _HEADERS in wanted or _HEADERS in before:
        headers = _merged(rule.get(_HEADERS), wanted.get(_HEADERS), before.get(_HEADERS))
        out = {key: value for key, value in out.items() if key != _HEADERS} | ({_HEADERS: headers} if headers else {})
    return out


def remembered(wanted: Manifest) -> dict[str, str]:
    """The annotation that tells of them; none if there are none."""
    return {APPLIED_FIELDS_ANNOTATION: _canonical(wanted)} if wanted else {}


def remembering(manifest: Manifest, wanted: Manifest) -> list[Manifest]:
    """RFC 6902 operations after which the annotation tells of them; empty if it does."""
    key = APPLIED_FIELDS_ANNOTATION
    return annotation_operations(manifest, key, remembered(wanted).get(key))


def _merged(known: Any, wanted: Any, before: Any) -> Any:
    """Each entry by itself: ours as it is wanted, those of others as they are; None if nothing is left."""
    if isinstance(wanted, list) or isinstance(before, list):
        items = [item for item in known or [] if item not in (before or []) or item in (wanted or [])]
        return [*items, *(item for item in wanted or [] if item not in items)] or None
    if not isinstance(wanted, dict) and not isinstance(before, dict):
        return wanted
    known, wanted, before = (part if isinstance(part, dict) else {} for part in (known, wanted, before))
    out = {key: value for key, value in known.items() if key not in wanted and key not in before}
    for key in [*wanted, *(key for key in before if key not in wanted)]:
        value = _merged(known.get(key), wanted.get(key), before.get(key))
        if value is not None:
            out[key] = value
    return out or None


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
