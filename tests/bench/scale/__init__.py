"""What the controller costs a cluster, counted at the API server and at the metric source, never by the controller."""
