"""What people do with kubectl now and then, as scripts, like those of kubectl_scripts.py."""

from __future__ import annotations

import json

from rollouts.api.resources import Manifest
from tests.embedded.kubectl_objects import PROMOTED, canary, config, deployment, patch, service
from tests.embedded.kubectl_script import Step


def listed(*items: Manifest) -> Manifest:
    """One document with several objects."""
    return {"apiVersion": "v1", "kind": "List", "items": list(items)}


def taken_over(manager: str, *keys: str) -> str:
    """The JSON Patch by which it owns these keys of a ConfigMap, as if it had applied them."""
    fields: Manifest = {"f:data": {f"f:{key}": {} for key in keys}}
    entry = {"manager": manager, "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields}
    return json.dumps([{"op": "replace", "path": "/metadata/managedFields", "value": [entry]}])


BAD_SPECS: list[Manifest] = [
    canary("unknown", stepWieght=20),
    canary("mistyped", threshold="two"),
    canary("too-much", stepWeight=2000),
    canary("two-schedules", iterations=3),
    canary("no-duration", interval="soon"),
    canary("no-evidence", metrics=[]),
    canary("upside-down", metrics=[{"name": "request-duration", "thresholdRange": {"min": 9, "max": 5}}]),
    canary("falling", stepWeight=None, stepWeights=[10, 5]),
    {**canary("no-target"), "spec": {**canary()["spec"], "targetRef": None}},
    {**canary("no-service"), "spec": {key: part for key, part in canary()["spec"].items() if key != "service"}},
    {**canary("Bad_Name")},
    {**canary("no-spec"), "spec": None},
    {**canary("group"), "apiVersion": "flagger.app/v1beta1"},
    {**canary("kind"), "kind": "Canry"},
]

RARE_SCRIPTS: dict[str, list[Step]] = {
    "a list in one document": [
        Step("apply -f {file}", [listed(canary(), service(), config("settings", a="1"))]),
        Step("apply -f {file}", [listed(canary(), service(), config("settings", a="2"))]),
        Step("apply --server-side -f {file}", [listed(config("settings", a="2"), config("more"))]),
        Step("diff -f {file}", [listed(canary(stepWeight=25), config("settings", a="2"))]),
        Step("delete -f {file}", [listed(canary(), service(), config("settings"), config("more"))]),
    ],
    "a canary applied on both sides": [
        Step("apply -f -", [canary()]),
        Step("apply --server-side -f -", [canary()]),
        Step("apply --server-side -f - --field-manager other", [canary()]),
    ],
    "a tool makes the fields of kubectl its own": [
        Step("apply --server-side -f -", [config("settings", a="1", b="2")]),
        Step(f"patch configmap settings --type json -p '{taken_over('kustomize-controller', 'a', 'b')}'"),
        Step("get configmap settings --show-managed-fields -o jsonpath={.metadata.managedFields[*].manager}"),
        Step("apply --server-side --field-manager kustomize-controller -f -", [config("settings", a="1")]),
        Step("get configmap settings -o jsonpath={.data}"),
    ],
    "ways of deleting": [
        Step("create -f -", [canary("one"), canary("two"), canary("three"), deployment()]),
        Step("delete canary one --cascade=foreground"),
        Step("delete canary two --cascade=orphan"),
        Step("delete canary three --cascade=background --now"),
        Step("delete canary three"),
        Step("delete canary four --ignore-not-found"),
        Step("delete deployment app --grace-period=0 --force"),
        Step("delete deployment app --cascade=sideways"),
        Step("delete namespace default"),
        Step("get canaries,deployments"),
    ],
    "waiting for a promotion": [
        Step("create -f -", [canary()]),
        Step("wait canaries.rollouts.dev/app --for=condition=Promoted --timeout=2s"),
        Step(f"patch canary app --subresource=status --type merge {patch(status=PROMOTED)}"),
        Step("wait canaries.rollouts.dev/app --for=condition=Promoted --timeout=5s"),
        Step("wait rcn --all --for=condition=Promoted=True --timeout=5s"),
        Step("wait canary app --for=condition=Promoted=False --timeout=2s"),
        Step("wait canary none --for=condition=Promoted --timeout=0.1s"),
        Step("get canary app -o wide"),
    ],
    "patches that are refused": [
        Step("create -f -", [canary()]),
        Step(
            """patch canary app --type json -p '[{"op": "replace", "path": "/spec/analysis/threshold", "value": 0}]'"""
        ),
        Step("""patch canary app --type json -p '[{"op": "remove", "path": "/spec/analysis"}]'"""),
        Step("""patch canary app --type json -p '[{"op": "remove", "path": "/spec/nothing"}]'"""),
        Step("""patch canary app --type json -p '[{"op": "fly"}]'"""),
        Step("""patch canary app --type json -p '{}'"""),
    ],
    "bad canaries in one folder": [
        Step("apply -f {folder}", BAD_SPECS),
    ],
}
