"""Doubles of the outside world, shipped: virtual time, a cluster in memory, pods that roll, scripted metrics."""
