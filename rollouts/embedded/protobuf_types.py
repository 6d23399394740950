"""The messages that kubectl sends as protobuf, and of them the fields that its commands set. Data."""

from __future__ import annotations

Fields = dict[int, tuple[str, str]]
_METADATA: dict[int, tuple[str, str]] = {1: ("metadata", "ObjectMeta")}
TYPES: dict[str, Fields] = {
    "Unknown": {1: ("typeMeta", "TypeMeta"), 2: ("raw", "bytes")},
    "TypeMeta": {1: ("apiVersion", "string"), 2: ("kind", "string")},
    "ObjectMeta": {
        1: ("name", "string"),
        2: ("generateName", "string"),
        3: ("namespace", "string"),
        11: ("labels", "{string}"),
        12: ("annotations", "{string}"),
        14: ("finalizers", "[string]"),
    },
    "Namespace": {**_METADATA, 2: ("", ""), 3: ("", "")},
    "ServiceAccount": _METADATA,
    "ConfigMap": {**_METADATA, 2: ("data", "{string}"), 3: ("binaryData", "{base64}")},
    "Secret": {**_METADATA, 2: ("data", "{base64}"), 3: ("type", "string"), 4: ("stringData", "{string}")},
    "Deployment": {**_METADATA, 2: ("spec", "DeploymentSpec"), 3: ("", "")},
    "DeploymentSpec": {
        1: ("replicas", "integer"),
        2: ("selector", "LabelSelector"),
        3: ("template", "PodTemplateSpec"),
        4: ("", ""),
    },
    "LabelSelector": {1: ("matchLabels", "{string}")},
    "PodTemplateSpec": {**_METADATA, 2: ("spec", "PodSpec")},
    "PodSpec": {2: ("containers", "[Container]")},
    "Container": {
        1: ("name", "string"),
        2: ("image", "string"),
        3: ("command", "[string]"),
        4: ("args", "[string]"),
        6: ("ports", "[ContainerPort]"),
    },
    "ContainerPort": {
        1: ("name", "string"),
        3: ("containerPort", "integer"),
        4: ("protocol", "string"),
    },
    "HorizontalPodAutoscaler": {**_METADATA, 2: ("spec", "HorizontalPodAutoscalerSpec"), 3: ("", "")},
    "HorizontalPodAutoscalerSpec": {
        1: ("scaleTargetRef", "CrossVersionObjectReference"),
        2: ("minReplicas", "integer"),
        3: ("maxReplicas", "integer"),
        4: ("metrics", "[MetricSpec]"),
    },
    "CrossVersionObjectReference": {1: ("kind", "string"), 2: ("name", "string"), 3: ("apiVersion", "string")},
    "MetricSpec": {1: ("type", "string"), 4: ("resource", "ResourceMetricSource")},
    "ResourceMetricSource": {1: ("name", "string"), 2: ("target", "MetricTarget")},
    "MetricTarget": {1: ("type", "string"), 4: ("averageUtilization", "integer")},
    "SelfSubjectAccessReview": {**_METADATA, 2: ("spec", "SelfSubjectAccessReviewSpec"), 3: ("", "")},
    "SelfSubjectAccessReviewSpec": {1: ("resourceAttributes", "ResourceAttributes")},
    "ResourceAttributes": {
        1: ("namespace", "string"),
        2: ("verb", "string"),
        3: ("group", "string"),
        4: ("version", "string"),
        5: ("resource", "string"),
        6: ("subresource", "string"),
        7: ("name", "string"),
    },
    "Service": {**_METADATA, 2: ("spec", "ServiceSpec"), 3: ("", "")},
    "ServiceSpec": {
        1: ("ports", "[ServicePort]"),
        2: ("selector", "{string}"),
        3: ("clusterIP", "string"),
        4: ("type", "string"),
        10: ("externalName", "string"),
    },
    "ServicePort": {
        1: ("name", "string"),
        2: ("protocol", "string"),
        3: ("port", "integer"),
        4: ("targetPort", "int-or-string"),
        5: ("nodePort", "integer"),
    },
}
"""By message, and the number of the field: its name in JSON and its type. Without a name it is left out."""
