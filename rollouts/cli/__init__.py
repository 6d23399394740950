"""The commands `rollouts` and `kubectl-canary`."""
