"""What the process serves over HTTP. It never calls the engine."""
