"""How the program leaves a cluster: by `rollouts uninstall`, by `kubectl delete -k deploy/` all at once, and killed.

Each time it is installed by `kubectl apply -k deploy/` into a cluster that has nothing of it, and takes up five
Canaries that are at rest, in mid-release, at a gate, blue-green, and with subsets, all under load. `cast` has the
Canaries, `installation` puts the program in and plays the kubelet for it, `runs` takes it out, `judge` looks at what
clients got and at what is left.
"""
