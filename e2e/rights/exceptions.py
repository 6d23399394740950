"""Rights of the role that no play can use, each with the reason why the controller has it all the same."""

from __future__ import annotations

from collections.abc import Mapping

_KEDA = "the lab has no KEDA, whose objects are tried on the API server in memory: tests/engine/test_autoscaling.py"

EXCEPTIONS: Mapping[str, str] = {
    "watch scaledobjects.keda.sh": _KEDA,
    "create scaledobjects.keda.sh": _KEDA,
    "patch scaledobjects.keda.sh": _KEDA,
    "delete scaledobjects.keda.sh": _KEDA,
}
