# ruff: noqa: E501 - manifests and messages as they are
"""Each rule, by one edit of manifests in which nothing is wrong: what is said, of which object, on which line."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollouts.lint.finding import Finding, Level
from rollouts.lint.lint import lint
from rollouts.manifests.read import read_text

SHOP = (Path(__file__).parent / "shop.yaml").read_text(encoding="utf-8")
CANARY = SHOP.rpartition("---\n")[2]
SERVICE = """---
apiVersion: v1
kind: Service
metadata: {name: NAME, namespace: web}
spec: {selector: SELECTOR, ports: [{port: 80, targetPort: http}]}
"""
POLICY = """---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: p, namespace: web}
spec: {selector: {matchLabels: {app: shop}}}
"""
SUBSETS = """apiVersion: apps/v1
kind: Deployment
metadata: {name: one, namespace: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: shop, version: one}}
  template: {metadata: {labels: {app: shop, version: one}}, spec: {containers: [{name: main, image: "x:1"}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: two, namespace: web}
spec:
  replicas: 0
  selector: {matchLabels: {app: shop, version: two}}
  template: {metadata: {labels: {app: shop, version: two}}, spec: {containers: [{name: main, image: "x:1"}]}}
---
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: web}
spec: {selector: {app: shop}, ports: [{port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop, namespace: web}
spec: {host: shop, subsets: [{name: a, labels: {version: one}}, {name: b, labels: {version: two}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: web}
spec:
  hosts: [shop]
  http: [{name: main, route: [{destination: {host: shop, subset: a}, weight: 100}, {destination: {host: shop, subset: b}, weight: 0}]}]
---
apiVersion: rollouts.dev/v1beta1
kind: Canary
metadata: {name: shop, namespace: web}
spec:
  subsets: [{name: a, targetRef: {name: one}}, {name: b, targetRef: {name: two}}]
  routeRefs: [{name: shop}]
  analysis:
    stepWeight: 50
    metrics: [{name: request-success-rate, thresholdRange: {min: 99}}]
"""


def found_in(text: str, *, strict: bool = False) -> list[Finding]:
    """What lint says of that text."""
    return lint(read_text("f.yaml", text), "default", strict=strict)


@pytest.mark.parametrize("text", [SHOP, SUBSETS], ids=["targetRef", "subsets"])
def test_where_nothing_is_wrong_nothing_is_said(text: str) -> None:
    """Not even what could not be looked at."""
    assert found_in(text) == []


CASES = [
    # What the API server says.
    ("stepWeight: 20", "stepWieght: 20", "UnknownField", "stepWieght", 'unknown field "spec.analysis.stepWieght": did you'),
    ("stepWeight: 20", "stepWeight: 0", "Invalid", "stepWeight: 0", "should be greater than or equal to 1"),
    ("stepWeight: 20", "stepWeight: twenty", "WrongType", "twenty", 'must be of type integer: "string"'),
    ("stepWeight: 20", "interval: 1m", "FieldTwice", "interval: 1m", "stands twice in one object"),
    ("    interval: 30s\n    stepWeight: 20", "    interval: 30s", "Invalid", "  analysis:", "set exactly one of stepWeight"),
    ("    port: 80\n", "", "Required", "  service:", "spec.service.port: Required value; add port"),
    ("{kind: Deployment, name: shop}", "{kind: Pod, name: shop}", "Unsupported", "kind: Pod", 'Unsupported value: "Pod"'),
    ("kind: Canary", "kind: Canari", "UnknownKind", "apiVersion: rollouts.dev/v1beta1\nkind: Canari", "no matches for kind"),
    # What the controller says.
    ("port: 80, targetPort", "port: 81, targetPort", "PortNotFound", "    port: 80", "has no port 80 (it has [81])"),
    ("targetPort: http\n", "targetPort: web\n", "PortNotFound", "    port: 80", "no container of Deployment shop has a TCP port"),
    ("rules: [main]", "rules: [other]", "RouteUnusable", "routeRefs", "no http rule named other"),
    ("destination: {host: shop}", "destination: {host: cart}", "RouteUnusable", "routeRefs", "does not lead to Service web/shop"),
    ("selector: {matchLabels: {app: shop}}", "selector: {matchLabels: {tier: front}}", "SelectorUnsupported", "targetRef", "add one"),
    ("  replicas: 2", "  strategy: {type: Recreate}", "StrategyUnsupported", "targetRef", "change it to RollingUpdate"),
    ("kind: Deployment, name: shop}}\n", "kind: Deployment, name: cart}}\n", "AutoscalerElsewhere", "autoscalerRef", "scales cart"),
    ("  autoscalerRef: {name: shop}\n", "", "AutoscalerNotNamed", "targetRef: {kind", "set spec.autoscalerRef to"),
    ("templateVariables: {app: shop}, ", "", "ArgumentMissing", "name: errors, templateRef", "needs app"),
    ("{app: shop}, thresholdRange", "{app: shop, x: z}, thresholdRange", "ArgumentUnknown", "templateRef", "has no argument x"),
    # What only the files tell.
    ("selector: {app: shop}, ports", "selector: {app: cart}, ports", "ServiceElsewhere", "  service:", "selects app=cart"),
    ("    targetPort: http\n", "", "TargetPortDiffers", "  service:", "set spec.service.targetPort to http"),
    ("  routeRefs: [{name: front, rules: [main]}]\n", "", "HostTaken", "  service:", "name it in spec.routeRefs"),
    ("  replicas: 2", "  replicas: 0", "TargetAtZero", "targetRef: {kind", "leave replicas out of the file"),
    ("kind: Deployment\nmetadata", "kind: DaemonSet\nmetadata", "TargetKind", "targetRef: {kind", "set targetRef.kind to DaemonSet"),
    ("{token: T}", "{key: T}", "SecretKeyNotFound", "  args:", "has no key token (it has key)"),
    ('app="{{ args.app }}"', 'app="{{ args.ap }}"', "QueryInvalid", "query: sum", "args.ap }} is no argument: add it"),
    ('app="{{ args.app }}"', 'app="{{ pod }}"', "QueryInvalid", "query: sum", "{{ pod }} is no variable"),
    ("    - name: main\n", "    - name: main\n      match: all\n", "WrongShape", "match: all", "must be a list"),
    ("metadata: {name: front, namespace: web}", "metadata: {namespace: web}", "NoObject", "VirtualService", "metadata.name not set"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "rule", "where", "says"), CASES, ids=[f"{c[2]}:{c[1][:20]}" for c in CASES]
)
def test_one_edit_is_found(before: str, after: str, rule: str, where: str, says: str) -> None:
    """By its rule, on the line where it is to be mended, with what to do."""
    assert before in SHOP
    text = SHOP.replace(before, after, 1)
    said = [one for one in found_in(text, strict=True) if one.rule == rule]
    assert said, found_in(text)
    assert says in said[0].message
    assert said[0].level is Level.ERROR
    lines = text.splitlines()
    begins = next(number for number, line in enumerate(lines, 1) if where.splitlines()[-1] in line)
    assert abs(said[0].line - begins) <= 1, (said[0], lines[said[0].line - 1])


@pytest.mark.parametrize(
    ("more", "rule", "says"),
    [
        (SERVICE.replace("NAME", "past").replace("SELECTOR", "{tier: front}"), "ServiceNotParting", "whatever its weight"),
        (SERVICE.replace("NAME", "old").replace("SELECTOR", "{app: shop}"), "ServiceLeftBehind", "call Service shop"),
        (SERVICE.replace("NAME", "shop-canary").replace("SELECTOR", "{app: x}"), "NameTaken", "delete or rename it"),
        ("---\n" + CANARY.replace("{name: shop, n", "{name: twin, n"), "TargetContested", "releases the same target shop"),
        ("---\n" + CANARY.replace("{name: shop, n", "{name: twin, n"), "ServiceContested", "another spec.service.name"),
        ("---\n" + CANARY, "StandsTwice", "delete one, or rename it"),
        (POLICY, "PolicyNotCovering", "would not cover those of the copy"),
    ],
)  # fmt: skip
def test_what_stands_beside_is_found(more: str, rule: str, says: str) -> None:
    """One more object, and what is wrong with it beside the others."""
    assert any(one.rule == rule and says in one.message and one.level is Level.ERROR for one in found_in(SHOP + more))


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ("{name: b, labels: {version: two}}", "{name: c, labels: {version: two}}", "SubsetNotFound"),
        ("{name: b, labels: {version: two}}", "{name: b, labels: {app: shop}}", "SubsetMismatch"),
        ("selector: {app: shop}, ports", "selector: {app: cart}, ports", "NotSelected"),
        ("weight: 100}", "weight: 0}", "StableUnknown"),
        ("  replicas: 2", "  replicas: 0", "TargetAtZero"),
    ],
)
def test_of_subsets_too(before: str, after: str, rule: str) -> None:
    """The user's own DestinationRule, Service, routes and Deployments."""
    assert before in SUBSETS
    assert rule in {one.rule for one in found_in(SUBSETS.replace(before, after, 1), strict=True)}


@pytest.mark.parametrize("text", [CANARY, SUBSETS.rpartition("---\n")[2]])
def test_what_is_not_in_the_files_is_no_error(text: str) -> None:
    """It may be in the cluster: it is said, and is no more than that."""
    found = found_in(text)
    assert found
    assert {one.level for one in found} == {Level.INFO}
    assert all("is not in the files" in one.message or one.rule == "StableUnknown" for one in found)


def test_another_namespace_is_another_place() -> None:
    """A target of the same name elsewhere is a warning, which --strict makes an error."""
    text = SHOP.replace("metadata: {name: shop, namespace: web}", "metadata: {name: shop, namespace: other}", 1)
    assert {one.rule for one in found_in(text) if one.level is Level.WARNING} == {"TargetNamespace"}
    assert "TargetNamespace" in {one.rule for one in found_in(text, strict=True) if one.level is Level.ERROR}


def test_a_list_and_a_default_namespace_are_read_as_kubectl_does() -> None:
    """Objects that say no namespace are in the one that is given; a List is its items, each on its own line."""
    text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata: {name: a}\n  spec: 3\n"
    (found,) = lint(read_text("f.yaml", text), "here")
    assert (found.object, found.line, found.rule) == ("Service here/a", 7, "WrongShape")
