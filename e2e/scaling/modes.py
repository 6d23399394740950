"""What is played, each in a lab of its own: beside which kind of autoscaler."""

AUTOSCALER, KEDA = "autoscaler", "keda"
MODES = (AUTOSCALER, KEDA)
