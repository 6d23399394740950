"""Installed and taken away again, as a user does it, on an API server of its own: no other test loses its kinds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from e2e.lab import Lab
from e2e.manifests import INSTALL
from tests.deploy.manifests import DEPLOY, documents, find, names

pytestmark = [pytest.mark.kube, pytest.mark.timeout(600)]

SHIPPED = names(documents(INSTALL.read_text(encoding="utf-8")))
METRIC = {"name": "request-success-rate", "thresholdRange": {"min": 99}}
WITHIN_S = 60.0


class Cluster:
    """One API server, and kubectl for it."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def kubectl(self, *words: str, manifest: dict[str, Any] | None = None) -> tuple[int, str, str]:
        """Exit code, what it says, and what it warns of."""
        return self._run("kubectl", *words, stdin="" if manifest is None else json.dumps(manifest))

    def helm(self, *words: str) -> tuple[int, str, str]:
        """The same of helm, in the namespace that deploy/ makes."""
        return self._run("helm", *words, "--namespace=rollouts-system")

    def _run(self, *words: str, stdin: str = "") -> tuple[int, str, str]:
        done = self._lab.run(words, timeout_s=180.0, stdin=stdin)
        return done.returncode, done.stdout, done.stderr

    def serves(self, kind: str) -> bool:
        """Whether its objects can be listed."""
        return self.kubectl("get", kind, "--all-namespaces")[0] == 0

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Return when it holds; fail when it does not come to that."""
        deadline = time.monotonic() + WITHIN_S
        while not holds():
            assert time.monotonic() < deadline, what
            time.sleep(0.2)

    def installed(self) -> set[tuple[str, str]]:
        """What of that which is shipped is there."""
        kinds = sorted({kind for kind, _ in SHIPPED})
        code, out, err = self.kubectl(
            "get", ",".join(kinds), "--all-namespaces", "--selector=app.kubernetes.io/part-of=rollouts", "--output=json"
        )
        assert code == 0, err
        return {(one["kind"], one["metadata"]["name"]) for one in json.loads(out)["items"]}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """With nothing of ours in it."""
    lab = Lab(tmp_path_factory.mktemp("install") / "lab")
    lab.up("core", quiet=True)
    try:
        made = Cluster(lab)
        _remove(made)
        yield made
    finally:
        lab.down()


@pytest.fixture
def installed(cluster: Cluster) -> Iterator[Cluster]:
    """With all of it, by the one command, and without a warning."""
    code, out, err = cluster.kubectl("apply", "-k", str(DEPLOY))
    assert (code, err) == (0, ""), out
    yield cluster
    _remove(cluster)


def _remove(cluster: Cluster) -> None:
    """All of it."""
    # Each kind is listed before, as a controller would have done. Of one that nobody has listed the API server can't
    # say that no object is left ("storage is (re)initializing"), and asks itself again up to minutes later.
    for kind in sorted(name for what, name in SHIPPED if what == "CustomResourceDefinition"):
        if cluster.kubectl("get", "crd", kind)[0] == 0:
            cluster.until(partial(cluster.serves, kind), f"{kind} is not served")
    code, _, err = cluster.kubectl("delete", "-k", str(DEPLOY), "--ignore-not-found")
    assert code == 0, err


def _canary(name: str, target: str) -> dict[str, Any]:
    return {
        "apiVersion": "rollouts.dev/v1beta1",
        "kind": "Canary",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "targetRef": {"name": target},
            "service": {"port": 80},
            "analysis": {"interval": "10s", "stepWeight": 50, "metrics": [METRIC]},
        },
    }


def test_one_command_installs_everything(installed: Cluster) -> None:
    """`kubectl apply -k deploy/`: the kinds are served, all stands, and a second time would change nothing."""
    code, _, err = installed.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")
    assert code == 0, err

    assert installed.installed() == SHIPPED
    assert installed.kubectl("diff", "-k", str(DEPLOY)) == (0, "", "")


def test_the_server_admits_the_pod(installed: Cluster) -> None:
    """Pod security "restricted" is in force in the namespace, and takes the controller's pod, and not every pod."""
    deployment = find(documents(INSTALL.read_text(encoding="utf-8")), "Deployment")
    template = deployment["spec"]["template"]
    metadata = {"name": "tried", "namespace": "rollouts-system", "labels": template["metadata"]["labels"]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
    installed.until(lambda: installed.kubectl("get", "serviceaccount", "-n", "rollouts-system")[0] == 0, "no account")

    code, _, err = installed.kubectl("create", "--dry-run=server", "--filename=-", manifest=pod)
    assert code == 0, err

    loose = {**pod, "spec": {**template["spec"], "hostNetwork": True}}
    code, _, err = installed.kubectl("create", "--dry-run=server", "--filename=-", manifest=loose)
    assert code == 1
    assert 'violates PodSecurity "restricted:latest"' in err


def test_a_second_canary_on_a_target_is_refused(installed: Cluster) -> None:
    """The policy names the target, who has it, and what to do; and lets another target, and the first one, pass."""
    code, _, err = installed.kubectl("apply", "--filename=-", manifest=_canary("one", "app"))
    assert code == 0, err
    said = ""

    def refused() -> bool:
        nonlocal said
        code, _, said = installed.kubectl("create", "--dry-run=server", "--filename=-", manifest=_canary("two", "app"))
        return code != 0

    installed.until(refused, "the policy is not at work")

    assert "Deployment app has Canary one already: change that one, or delete it first" in said
    assert installed.kubectl("apply", "--filename=-", manifest=_canary("one", "app"))[0] == 0
    intent = json.dumps({"id": "1", "user": "admin"})  # in the asker's own name, as the policy on intents has it
    code, _, err = installed.kubectl("annotate", "canaries.rollouts.dev/one", f"actions.rollouts.dev/pause={intent}")
    assert code == 0, err
    assert installed.kubectl("create", "--filename=-", manifest=_canary("two", "web"))[0] == 0


def test_nothing_is_left_behind(installed: Cluster) -> None:
    """`kubectl delete -k deploy/`: no kind, no role, no policy, no namespace."""
    _remove(installed)

    for kind in ("crd", "clusterrole", "clusterrolebinding", "mutatingadmissionpolicy", "validatingadmissionpolicy"):
        code, out, err = installed.kubectl("get", kind, "--output=name")
        assert code == 0, err
        assert "rollouts" not in out.replace("lab-rollouts-controller", "")
    assert installed.kubectl("get", "namespace", "rollouts-system")[0] == 1


def test_helm_installs_the_same(cluster: Cluster) -> None:
    """Installed and taken away by helm: what is shipped stands, and of it only the kinds are left, as helm has it."""
    code, _, err = cluster.helm("install", "rollouts", str(DEPLOY / "helm" / "rollouts"), "--create-namespace")
    assert code == 0, err
    assert cluster.installed() == {one for one in SHIPPED if one[0] != "Namespace"}

    code, _, err = cluster.helm("uninstall", "rollouts")
    assert code == 0, err
    cluster.until(lambda: {kind for kind, _ in cluster.installed()} == {"CustomResourceDefinition"}, "all is gone")
    assert cluster.kubectl("delete", "namespace", "rollouts-system")[0] == 0
    _remove(cluster)
