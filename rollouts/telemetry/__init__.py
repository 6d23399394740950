"""Logs and metrics: what the program says of itself."""
