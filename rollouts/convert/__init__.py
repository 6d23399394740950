"""`rollouts convert`: objects of Flagger and Argo Rollouts to ours. No network, no cluster, and nothing left unsaid."""
