"""The real controller, shown on a simulated cluster with simulated users: `rollouts demo`."""
