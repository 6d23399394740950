"""Names of the API resources that the controller reads and writes, and how their URLs are made.

Pure data: a `Resource` says where a kind lives, an `ObjectKey` which object is meant. Nothing here knows
how requests are sent, or what the objects contain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

GROUP = "rollouts.dev"
VERSION = "v1beta1"

Manifest = dict[str, Any]
"""A Kubernetes object as JSON has it. Treated as immutable: copy before changing."""


@dataclass(frozen=True, slots=True, order=True)
class ObjectKey:
    """Which object, within one resource. `namespace` is empty for cluster-scoped kinds."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @classmethod
    def of(cls, manifest: Manifest) -> ObjectKey:
        """The key of an object that has metadata."""
        metadata = manifest["metadata"]
        return cls(metadata.get("namespace", ""), metadata["name"])


@dataclass(frozen=True, slots=True)
class Resource:
    """Where a kind lives in the API. `group` is empty for the core group."""

    group: str
    version: str
    plural: str
    kind: str

    def __str__(self) -> str:
        """As RBAC and kubectl write it: `virtualservices.networking.istio.io`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        """The `apiVersion` of manifests of this kind."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, *, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path of a collection or object; without a namespace, of all namespaces."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        parts = [root]
        if namespace:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part]
        return "/".join(parts)


CANARIES = Resource(GROUP, VERSION, "canaries", "Canary")
ANALYSIS_TEMPLATES = Resource(GROUP, VERSION, "analysistemplates", "AnalysisTemplate")
ALERT_PROVIDERS = Resource(GROUP, VERSION, "alertproviders", "AlertProvider")
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
DAEMON_SETS = Resource("apps", "v1", "daemonsets", "DaemonSet")
SERVICES = Resource("", "v1", "services", "Service")
EVENTS = Resource("", "v1", "events", "Event")
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
SECRETS = Resource("", "v1", "secrets", "Secret")
AUTOSCALERS = Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
SCALED_OBJECTS = Resource("keda.sh", "v1alpha1", "scaledobjects", "ScaledObject")
VIRTUAL_SERVICES = Resource("networking.istio.io", "v1", "virtualservices", "VirtualService")
DESTINATION_RULES = Resource("networking.istio.io", "v1", "destinationrules", "DestinationRule")
POLICY_NAME = "rollouts-policy"
"""The ConfigMap, in the controller's namespace, that says what holds for all Canaries."""
RULES_REVIEWS = Resource("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview")
ADMISSION_POLICIES = Resource(
    "admissionregistration.k8s.io", "v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy"
)
ADMISSION_BINDINGS = Resource(
    "admissionregistration.k8s.io", "v1", "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding"
)
INTENTS_POLICY = f"intents.{GROUP}"
"""The policy, and its binding, that keeps names in actions honest."""
USER_REVIEWS = Resource("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview")
ACCESS_REVIEWS = Resource("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview")
PODS = Resource("", "v1", "pods", "Pod")
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
POD_DISRUPTION_BUDGETS = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
NETWORK_POLICIES = Resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy")
AUTHORIZATION_POLICIES = Resource("security.istio.io", "v1", "authorizationpolicies", "AuthorizationPolicy")
PEER_AUTHENTICATIONS = Resource("security.istio.io", "v1", "peerauthentications", "PeerAuthentication")
REQUEST_AUTHENTICATIONS = Resource("security.istio.io", "v1", "requestauthentications", "RequestAuthentication")
SIDECARS = Resource("networking.istio.io", "v1", "sidecars", "Sidecar")
ENVOY_FILTERS = Resource("networking.istio.io", "v1alpha3", "envoyfilters", "EnvoyFilter")
WASM_PLUGINS = Resource("extensions.istio.io", "v1alpha1", "wasmplugins", "WasmPlugin")
OPTIONAL = frozenset({
    POD_DISRUPTION_BUDGETS, NETWORK_POLICIES, AUTHORIZATION_POLICIES, PEER_AUTHENTICATIONS, REQUEST_AUTHENTICATIONS,
    SIDECARS, ENVOY_FILTERS, WASM_PLUGINS, SCALED_OBJECTS, ANALYSIS_TEMPLATES, ALERT_PROVIDERS,
})  # fmt: skip
"""Kinds that a cluster may lack: where one is not served, there is no object of it, and nobody is the poorer."""
