"""A cluster in one process: the in-memory API server behind a small HTTP facade that speaks the Kubernetes API."""

from rollouts.embedded.kubeconfig import write_kubeconfig
from rollouts.embedded.server import serving

__all__ = ["serving", "write_kubeconfig"]
