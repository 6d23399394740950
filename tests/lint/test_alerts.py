from __future__ import annotations

import pytest

from rollouts.lint.finding import Level
from tests.lint.test_rules import SHOP, found_in

PROVIDER = """---
apiVersion: rollouts.dev/v1beta1
kind: AlertProvider
metadata: {name: chat, namespace: NAMESPACE}
spec: {type: slack, secretRef: {name: api}, namespaces: [ALLOWED]}
"""
ALERT = "    alerts: [{name: team, providerRef: {name: chat, namespace: tools}}]\n"


@pytest.mark.parametrize(
    ("namespace", "allowed", "rule", "level"),
    [
        ("tools", "web", "", None),
        ("tools", "other", "ProviderNotAllowed", Level.ERROR),
        ("elsewhere", "web", "ProviderNotFound", Level.INFO),
    ],
)
def test_a_provider_is_there_and_may_be_named(namespace: str, allowed: str, rule: str, level: Level | None) -> None:
    """From another namespace only where it says so; one that is not in the files may be in the cluster."""
    provider = PROVIDER.replace("NAMESPACE", namespace).replace("ALLOWED", allowed)
    found = [one for one in found_in(SHOP + ALERT + provider) if one.rule != "SecretNotFound"]
    assert [(one.rule, one.level) for one in found] == ([(rule, level)] if level else [])
