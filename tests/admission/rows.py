from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from tests.api.canaries import BAD, good_spec, manifest

HOOK = {"name": "load", "type": "rollout", "url": "http://loadtester/"}
GATE = {"name": "ask", "type": "confirm-rollout"}
RATE = {"name": "request-success-rate", "thresholdRange": {"min": 99}}
SECRET = {"name": "token", "key": "value"}
ALERT = {"name": "chat", "providerRef": {"name": "on-call"}}


@dataclass(frozen=True, slots=True)
class Row:
    """A Canary that a server must refuse; `metadata` and `fields` go over those of a good one."""

    name: str
    spec: Any = None
    metadata: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)

    def manifest(self) -> dict[str, Any]:
        """The object."""
        made = manifest(good_spec() if self.spec is None else self.spec, "row")
        made["metadata"] |= self.metadata
        return {name: value for name, value in (made | self.fields).items() if value is not ...}


def changed(**changes: Any) -> dict[str, Any]:
    """The good spec with other values: `analysis__threshold=0`."""
    spec = good_spec()
    for path, value in changes.items():
        *parents, last = path.split("__")
        node = spec
        for parent in parents:
            node = node[parent]
        node[last] = value
    return spec


def hooked(**changes: Any) -> dict[str, Any]:
    """The good spec with a hook that is changed so."""
    return changed(analysis__webhooks=[HOOK | changes])


def keyed(**changes: Any) -> dict[str, Any]:
    """The good spec with a hook that has a header from a Secret."""
    return hooked(headersFrom=[{"name": "Authorization", "secretKeyRef": SECRET} | changes])


def ranged(*ranges: Any) -> dict[str, Any]:
    """The good spec with metrics of these ranges."""
    return changed(analysis__metrics=[{**RATE, "thresholdRange": copy.deepcopy(one)} for one in ranges])


ROWS = (
    *(Row(bad.name, bad.spec()) for bad in BAD),
    Row("no spec", fields={"spec": ...}),
    Row("null spec", fields={"spec": None}),
    Row("empty spec", {}),
    Row("spec is a text", fields={"spec": "x"}),
    Row("spec is a list", fields={"spec": []}),
    Row("text for an integer", changed(analysis__threshold="a")),
    Row("fraction for an integer", changed(analysis__threshold=1.5)),
    Row("fraction out of bounds", changed(service__port=0.5)),
    Row("far too much", changed(analysis__threshold=2**63)),
    Row("a long fraction", changed(analysis__threshold=1500000.25)),
    Row("truth for an integer", changed(analysis__threshold=True)),
    Row("negative", changed(analysis__threshold=-1)),
    Row("above the maximum", changed(analysis__threshold=1001)),
    Row("progress deadline of 0", changed(progressDeadlineSeconds=0)),
    Row("text for a truth", changed(suspend="yes")),
    Row("number for a text", changed(analysis__interval=3)),
    Row("object for a list", changed(analysis__metrics={})),
    Row("list for an object", changed(analysis=[])),
    Row("null without a default", changed(analysis__stepWeight=None)),
    Row("null in a list", changed(analysis__metrics=[None])),
    Row("null host", changed(service__hosts=[None])),
    Row("hosts of two kinds", changed(service__hosts=["", 3])),
    Row("too many hosts", changed(service__hosts=["a"] * 33)),
    Row("host too long", changed(service__hosts=["ü" * 254])),
    Row("gateways none", changed(service__gateways=[])),
    Row("port name with quotes", changed(service__portName='é"\n\\')),
    Row("target of odd kind", changed(targetRef__kind='a"b\u00e9\n\x00\x7f<>&')),
    Row("a size for a daemon set", changed(targetRef__kind="DaemonSet", canaryReplicas=2)),
    Row("target of two faults", changed(targetRef__kind="Pod", targetRef__apiVersion="v1")),
    Row("target port true", changed(service__targetPort=True)),
    Row("target port fraction", changed(service__targetPort=1.5)),
    Row("target port object", changed(service__targetPort={})),
    Row("target port 0", changed(service__targetPort=0)),
    Row("target port empty", changed(service__targetPort="")),
    Row("interval too long", changed(analysis__interval="9" * 33)),
    Row("weights of three faults", changed(analysis__stepWeights=[1, "a", 200])),
    Row("two rules of one object", changed(analysis__stepWeights=[10, 30, 20])),
    Row("nothing in analysis", changed(analysis={})),
    Row("rules at several depths", ranged({"min": 1e6}, {})),
    Row("range in words", ranged({"min": "x"})),
    Row("range null", ranged({"min": None})),
    Row("metric without a range", changed(analysis__metrics=[{"name": "request-success-rate"}])),
    Row("metrics of several faults", changed(analysis__metrics=[{"name": "a", "thresholdRange": []}, {"name": "a"}])),
    Row("match of too much", changed(analysis__match=[{}] * 17)),
    Row("headers of too many", changed(analysis__match=[{"headers": {f"h{n}": {"exact": "a"} for n in range(17)}}])),
    Row("header empty", changed(analysis__match=[{"headers": {"a": {"exact": ""}}}])),
    Row("header without a way", changed(analysis__match=[{"headers": {"a": {}}}])),
    Row("header with dots", changed(analysis__match=[{"headers": {"c.d": {"exact": 3}}}])),
    Row("header null", changed(analysis__match=[{"headers": {"a": None}}])),
    Row("cookie with a blank", changed(analysis__sessionAffinity={"cookieName": "a b"})),
    Row("cookie path and age", changed(analysis__sessionAffinity={"cookieName": "a", "maxAge": 0, "path": "x y;"})),
    Row("hook of no kind", hooked(type="zzz")),
    Row("hook url ftp", hooked(url="ftp://x")),
    Row("hook without url", hooked(url=None)),
    Row("hook without name", hooked(name="")),
    Row("hook retries", hooked(retries=-1)),
    Row("hook in a hurry", hooked(timeout="1ms")),
    Row("hook deadline", hooked(deadline="1m")),
    Row("gate deadline in words", changed(analysis__webhooks=[GATE | {"deadline": "soon", "onDeadline": "x"}])),
    Row("hook metadata empty key", hooked(metadata={"": "x"})),
    Row("hook metadata too long", hooked(metadata={"a": "b" * 1025})),
    Row("hook metadata number", hooked(metadata={"a": 1})),
    Row("header from nowhere", hooked(headersFrom=[{"name": "a b"}])),
    Row("header name", keyed(name="a b")),
    Row("header of ours", keyed(name="Content-Type")),
    Row("header twice", hooked(headersFrom=[{"name": name, "secretKeyRef": SECRET} for name in ("X-Key", "x-key")])),
    Row("header of no secret", keyed(secretKeyRef={"name": "A_", "key": "a b"})),
    Row("persons at a gate that a server opens", hooked(type="confirm-rollout", approvals=2)),
    Row("alert twice", changed(analysis__alerts=[ALERT, ALERT])),
    Row("alert by nobody", changed(analysis__alerts=[ALERT | {"providerRef": {"name": "A_", "namespace": "-"}}])),
    Row("unknown field", changed(analysis__stepWieght=5)),
    Row("unknown fields", {**hooked(zz=1, yy=2), "foo": 1}, metadata={"qq": 1}, fields={"zzz": 1}),
    Row("unknown and invalid", {**changed(analysis__threshold=0), "foo": 1}),
    Row("unknown in status", fields={"status": {"phase": "Foo", "zz": 1}}),
    Row("name", metadata={"name": "A_b"}),
    Row("name dash", metadata={"name": "-"}),
    Row("name too long", metadata={"name": "x" * 254}),
    Row("no name", metadata={"name": ""}),
    Row("name is a number", metadata={"name": 3}),
    Row("label key", metadata={"labels": {"a b": "x"}}),
    Row("label value", metadata={"labels": {"c": "---"}}),
    Row("label value too long", metadata={"labels": {"c": "y" * 64}}),
    Row("label number", metadata={"labels": {"a": 3}}),
    Row("labels list", metadata={"labels": []}),
    Row("label key empty", metadata={"labels": {"": "x"}}),
    Row("label name empty", metadata={"labels": {"a/": "x"}}),
    Row("label prefix empty", metadata={"labels": {"/b": "x"}}),
    Row("label prefix", metadata={"labels": {"A_/b": "x"}}),
    Row("label slashes", metadata={"labels": {"a/b/c": "x"}}),
    Row("label key too long", metadata={"labels": {"x" * 70: "x"}}),
    Row("annotation key", metadata={"annotations": {"a b": "x"}}),
    Row("annotations too long", metadata={"annotations": {"B": "z" * 262144}}),
    Row("annotation number", metadata={"annotations": {"a": 3}}),
    Row("finalizers text", metadata={"finalizers": "a"}),
    Row("finalizer", metadata={"finalizers": ["foo", "a b/c"]}),
    Row("finalizer slashes", metadata={"finalizers": ["a/b/c"]}),
    Row("owner", metadata={"ownerReferences": [{"name": "x"}]}),
    Row("label and threshold", changed(analysis__threshold=0), metadata={"labels": {"a b": "c"}}),
    Row("name and threshold", changed(analysis__threshold=0), metadata={"name": "A"}),
)
