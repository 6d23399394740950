"""`rollouts lint`: what is wrong with manifests before any cluster sees them. No network, no cluster."""
