"""Workloads: how the copy that serves between releases is made, and what a workload's object says of its state."""
