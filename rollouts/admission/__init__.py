"""What an API server does with a custom resource on its way in: decode, prune, default, validate. No I/O."""
