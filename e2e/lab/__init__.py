"""The lab: the real control plane, mesh and metrics of a cluster, on one machine, without containers.

    python -m e2e.lab build                 compile the parts (cached by content)
    python -m e2e.lab up                    start them; returns when all are ready
    python -m e2e.lab exec -- kubectl get pods
    python -m e2e.lab down

Scripts and tests use the same thing as an object:

    lab = Lab("/tmp/some-lab")
    lab.up("core")                          LabError says, in one line, what went wrong
    lab.run(["kubectl", "get", "--raw", "/readyz"])
    os.kill(lab.status().parts["prometheus"].pid, signal.SIGSTOP)
    lab.down()

A script that does much in the lab is best run in it as a whole, by `exec`. A part that dies is shown
by `status` and never restarted by itself. Who wants to see a part fail stops it and starts it again (control.py; plays
use e2e.play.parts): istiod, the Envoys, Prometheus.

Profiles: `core` is an API server with its garbage collector, the project's CRDs and role; `istio` adds controllers,
scheduler, kwok, the workload server, istiod, Envoy as ingress gateway, two clients in the mesh and Prometheus.

A process that sends plain HTTP to MESH_URL, with a Service's host as Host, is the pod `client` of namespace default in
the mesh; MESH_TESTER_URL is the pod `tester`, which has the label `tester: "true"`. Only port 80 of Services is there.
Prometheus has Istio's standard metrics from both sides. Of reporter=source are also requests that reached no pod, with
response_flags; the source of reporter=destination is always the gateway, since Envoys here can't say who they are.
A Gateway of the ports 443 and 9000 is reached at 127.0.0.1:18443 and :19000; a container with TLS_PORT speaks TLS on
that port, with the API server's own certificate.
`istioctl validate -f FILE` needs no cluster and is on LAB_PATH.

Addresses and files stand in the lab's env file and in the environment of every command run in it:
KUBECONFIG (administrator), KUBECONFIG_CONTROLLER (the service account of deploy/),
GATEWAY_URL, MESH_URL, MESH_TESTER_URL, PROMETHEUS_URL, ENVOY_ADMIN_URL (of the gateway), CLIENT_ADMIN_URL,
TESTER_ADMIN_URL, ISTIOD_URL, WORKLOAD_METRICS_URL, ACCESS_LOG_METRICS_URL, AUDIT_LOG,
PROMETHEUS_QUERY_LOG, LAB_DIR, LAB_PID, LAB_PATH. The addresses mean the lab's own network: use
them through `exec`, `run` or `command`.
"""

from e2e.lab.crew import PartState, PartStatus
from e2e.lab.errors import LabError
from e2e.lab.lab import Lab
from e2e.lab.status import LabStatus

__all__ = ["Lab", "LabError", "LabStatus", "PartState", "PartStatus"]
