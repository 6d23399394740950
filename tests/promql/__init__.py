"""A small Prometheus for tests: as much of PromQL as our own queries are written in, over samples that a test knows."""
