"""Argo's AnalysisTemplate and ClusterAnalysisTemplate: what is asked, and where."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rollouts.convert.argo_parts import (
    CLUSTER_TEMPLATE,
    OF_CANARY,
    Part,
    arguments_in,
    fields_in,
    parts_of,
)
from rollouts.convert.inputs import OURS, Inputs, Source
from rollouts.convert.ledger import Cursor, copied
from rollouts.convert.words import query_words

_SECRET_HEADER = re.compile(r"\{\{\s*args\.([-_a-zA-Z0-9]+)\s*\}\}")
_IN_CANARY = "here it stands in each Canary that names the template"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a template of ours says, and the arguments that it has."""

    spec: dict[str, Any]
    arguments: list[str]


def convert_argo_template(inputs: Inputs, source: Source, namespace: str, given: Mapping[str, str]) -> None:
    """One template to as many of ours as it has metrics. `namespace`: where one of the cluster is to be.

    `given`: the values of arguments that the Rollouts of the files agree in.
    """
    source.accept()
    for part in parts_of(inputs, source):
        if part.template is not source:
            continue
        if part.flaw:
            part.metric.lost(part.flaw)
            continue
        asked = _asked(part, given)
        _of_canary(part)
        metadata = source.metadata(name=part.template_name)
        spec = {**_arguments(source, asked.arguments), **asked.spec}
        if source.kind == CLUSTER_TEMPLATE:
            spec["allowedNamespaces"] = ["*"]
            metadata |= {"namespace": namespace} if namespace else {}
        source.made.append({"apiVersion": OURS, "kind": "AnalysisTemplate", "metadata": metadata, "spec": spec})
    if source.kind == CLUSTER_TEMPLATE and source.made:
        where = f"namespace {namespace}" if namespace else "the namespace in which it is applied"
        source.root.changed(f"there is no kind for the whole cluster: it is in {where}, for Canaries of all", "kind")
    _rest(source)


def _rest(source: Source) -> None:
    spec = source.spec
    for one in spec.items("templates"):
        if (*one.path, "templateName") not in one.ledger.used:
            one.lost("the template is not in the files, or refers to itself: name it in each Canary")
    spec.needless("each metric keeps its last results in the Canary's status", "measurementRetention")
    for one in spec.items("dryRun"):
        if (*one.path, "metricName") not in one.ledger.used:
            one.lost(f"{_IN_CANARY}: dryRun: true")
    for one in spec.items("args"):
        if (*one.path, "name") not in source.root.ledger.used:
            one.needless("no text that was converted has it")
    if not source.made:
        source.root.needless("nothing is made of it", "metadata")


def _of_canary(part: Part) -> None:
    """What no Rollout of the files has taken over."""
    used = part.metric.ledger.used
    for field in OF_CANARY:
        if part.metric.at(field).path not in used:
            part.metric.lost(f"{_IN_CANARY}", field)
    if (*part.metric.path, "name") not in used and part.alone:
        part.metric.needless("the template has no other, and is called by its own name", "name")
    else:
        part.metric.use("name")
    part.metric.lost("neither true is undecided, and holds the step", "inconclusiveLimit")
    part.metric.lost("a step goes on when its time is over and all metrics pass", "consecutiveSuccessLimit")


def _arguments(source: Source, names: list[str]) -> dict[str, Any]:
    known = {str(one.at("name").value): one for one in source.spec.items("args")}
    args: list[dict[str, Any]] = []
    for name in names:
        out: dict[str, Any] = {"name": name}
        one = known.get(name)
        if one is not None:
            one.use("name")
            secret = one.at("valueFrom", "secretKeyRef")
            if one.has("value"):
                out["value"] = one.text("value")
            elif secret:
                out["valueFrom"] = {"secretKeyRef": copied(secret, ("name", "key"))}
        args.append(out)
    return {"args": args} if args else {}


def _asked(part: Part, given: Mapping[str, str]) -> _Asked:
    provider = part.metric.at("provider", part.provider)
    return _web(part, provider, given) if part.provider == "web" else _prometheus(part, provider, given)


def _prometheus(part: Part, source: Cursor, given: Mapping[str, str]) -> _Asked:
    query, arguments, strange = query_words(source.text("query"))
    for one in strange:
        source.lost(f"{{{{ {one} }}}}: no variable of ours stands for it: write the value", "query")
    provider: dict[str, Any] = {"type": "prometheus"}
    if source.text("address"):
        provider["address"] = _filled(part, source, "address", given)
    provider |= _access(part, source)
    source.lost("queries have the time of the controller's settings", "timeout")
    return _Asked({"provider": provider, "query": query}, arguments)


def _web(part: Part, source: Cursor, given: Mapping[str, str]) -> _Asked:
    url = _filled(part, source, "url", given, only_host=True)
    host = re.match(r"https?://[^/?]+", url)
    address = host[0] if host else url
    path, in_path, _ = query_words(url[len(address) :])
    web: dict[str, Any] = {"path": path} if path else {}
    body = source.take("jsonBody") if source.has("jsonBody") else source.take("body")
    in_body: list[str] = []
    method = str(source.at("method").value or "GET").upper()
    if body is not None:
        text = body if isinstance(body, str) else _json(body)
        web["body"], in_body, _ = query_words(text)
    if (method == "POST") == (body is not None) and method in {"GET", "POST"}:
        source.take("method")
    else:
        source.changed(f"{'POST' if body is not None else 'GET'}: with a body it is POST, without one GET", "method")
    pointed = re.sub(r"^\{(.*)\}$", r"\1", source.text("jsonPath")) or "$"
    web["jsonPath"] = ".".join([pointed if pointed.startswith("$") else f"${pointed}", *sorted(fields_in(part))])
    source.lost("requests have the time of the controller's settings", "timeoutSeconds")
    provider = {"type": "web", "address": address, **_access(part, source)}
    return _Asked({"provider": provider, "web": web}, list(dict.fromkeys([*in_path, *in_body])))


def _json(body: Any) -> str:
    import json  # noqa: PLC0415 - few templates have a body

    return json.dumps(body)


def _filled(part: Part, source: Cursor, field: str, given: Mapping[str, str], *, only_host: bool = False) -> str:
    """An address with the values of its arguments: it has no variables here."""
    text = source.text(field)
    end = len(text)
    if only_host and (head := re.match(r"[a-z]+://[^/?]*", text)):
        end = head.end()
    fixed = {str(one.at("name").value): one for one in part.template.spec.items("args") if one.has("value")}
    for name in arguments_in(text[:end]):
        value = given.get(name) or (str(fixed[name].at("value").value) if name in fixed else None)
        if value is None:
            source.lost(f"an address has no variables here: write the value of {name}", field)
            continue
        if name in fixed:
            fixed[name].use("name", "value")
        source.changed(f"an address has no variables here: {name} is {value}", field)
        text = value.join(re.split(rf"\{{\{{\s*args\.{re.escape(name)}\s*\}}\}}", text))
    return text


def _access(part: Part, source: Cursor) -> dict[str, Any]:
    """Certificates and headers; what is secret in them stays in its Secret."""
    out: dict[str, Any] = {"insecureSkipVerify": True} if source.flag("insecure") else {}
    plain: dict[str, list[str]] = {}
    secret: list[dict[str, Any]] = []
    known = {str(one.at("name").value): one for one in part.template.spec.items("args")}
    for header in source.items("headers"):
        name, value = str(header.at("key").value or ""), str(header.at("value").value or "")
        inside = _SECRET_HEADER.fullmatch(value)
        ref = known[inside[1]].at("valueFrom", "secretKeyRef") if inside and inside[1] in known else None
        if ref:
            secret.append({"name": name, "secretKeyRef": copied(ref, ("name", "key"))})
            known[inside[1] if inside else ""].use("name")
            header.use("key", "value")
        elif "{{" in value:
            header.lost("a header has no variables here: put the whole value into a Secret, and name it in headersFrom")
        elif name.lower() in {"content-type", "host", "connection"}:
            header.needless("the controller sets it itself")
        else:
            plain.setdefault(name, []).append(value)
            header.use("key", "value")
    source.lost("credentials are in the Secret of provider.secretRef: username and password, or token",
                "authentication")  # fmt: skip
    return out | ({"headers": plain} if plain else {}) | ({"headersFrom": secret} if secret else {})
