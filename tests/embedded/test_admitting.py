from __future__ import annotations

import pytest

from rollouts.api.crd import canary_crd
from rollouts.api.resources import CANARIES, DEPLOYMENTS, SERVICES, Manifest
from rollouts.embedded.admitting import by_schema
from rollouts.embedded.kinds import BUILT_IN, Kind
from rollouts.errors import Rejected
from tests.embedded.kubectl_objects import canary, deployment, service

_VERSION = canary_crd()["spec"]["versions"][0]
CANARY = Kind(CANARIES, subresources=frozenset({"status"}), schema=_VERSION["schema"]["openAPIV3Schema"], custom=True)
DEPLOYMENT, SERVICE = (
    next(kind for kind in BUILT_IN if kind.resource == resource) for resource in (DEPLOYMENTS, SERVICES)
)


def admitted(kind: Kind, manifest: Manifest, old: Manifest | None = None, **how: str) -> Manifest:
    """What is stored."""
    return by_schema(kind, manifest, old, **{"field_validation": "Strict", "subresource": "", **how})[0]


def test_a_canary_gets_its_defaults() -> None:
    """Those of its schema."""
    assert admitted(CANARY, canary())["spec"]["targetRef"]["kind"] == "Deployment"


def test_a_deployment_gets_what_a_server_fills_in() -> None:
    """But keeps what it says itself."""
    spec = admitted(DEPLOYMENT, deployment())["spec"]
    assert (spec["replicas"], spec["progressDeadlineSeconds"], spec["strategy"]["type"]) == (2, 600, "RollingUpdate")
    assert spec["template"]["spec"]["restartPolicy"] == "Always"
    own = {**deployment(), "spec": {**deployment()["spec"], "strategy": {"type": "Recreate"}}}
    assert admitted(DEPLOYMENT, own)["spec"]["strategy"] == {"type": "Recreate"}


def test_a_service_has_an_address_and_keeps_it() -> None:
    """Also where it is replaced by one that names none."""
    made = admitted(SERVICE, service())
    address = made["spec"]["clusterIP"]
    assert address.startswith("10.96.")
    assert made["spec"]["clusterIPs"] == [address]
    assert made["spec"]["ports"][0]["protocol"] == "TCP"
    old = {**made, "spec": {**made["spec"], "clusterIP": "10.0.0.9"}}
    assert admitted(SERVICE, service(), old)["spec"]["clusterIP"] == "10.0.0.9"
    outside = {"metadata": {"name": "out"}, "spec": {"type": "ExternalName", "externalName": "example.com"}}
    assert "clusterIP" not in admitted(SERVICE, outside)["spec"]


@pytest.mark.parametrize(
    ("kind", "manifest", "status", "words"),
    [
        (CANARY, canary(stepweight=1), 400, 'strict decoding error: unknown field "spec.analysis.stepweight"'),
        (CANARY, canary(stepWeight=20000), 422, "stepWeight in body should be less than or equal to 10000"),
        (
            DEPLOYMENT,
            {**deployment(), "spec": {**deployment()["spec"], "replica": 2}},
            400,
            'unknown field "spec.replica"',
        ),
        (DEPLOYMENT, {**deployment(), "spec": {}}, 422, "spec.template: Required value"),
    ],
)
def test_what_is_not_valid_is_refused(kind: Kind, manifest: Manifest, status: int, words: str) -> None:
    """With a message that names the field."""
    with pytest.raises(Rejected) as refused:
        admitted(kind, manifest)
    assert refused.value.status == status
    assert words in str(refused.value)


def test_what_to_do_about_unknown_fields_is_the_clients_to_say() -> None:
    """They are never stored; a way that there is not is refused."""
    for how, warned in (("Warn", ['unknown field "spec.analysis.stepweight"']), ("Ignore", [])):
        manifest, warnings = by_schema(CANARY, canary(stepweight=1), None, field_validation=how, subresource="")
        assert list(warnings) == warned
        assert "stepweight" not in manifest["spec"]["analysis"]
    with pytest.raises(Rejected, match="Unsupported value: 'Loose'"):
        admitted(CANARY, canary(), field_validation="Loose")


def test_a_status_is_checked_alone() -> None:
    """A write of the status changes nothing else."""
    old = admitted(CANARY, canary())
    after = admitted(CANARY, {**canary(stepWeight=7), "status": {"phase": "Waiting"}}, old, subresource="status")
    assert after == {**old, "status": {"phase": "Waiting"}}
