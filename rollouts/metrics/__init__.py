"""Measurements: which query answers a probe, and the sources that answer queries."""
