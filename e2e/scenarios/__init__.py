"""What users of Istio do by hand, done by the controller: each scenario with its manifests of examples/ in its own lab.

Two Deployments of the user, one Service, the user's VirtualService and DestinationRule. Real requests at the gateway
decide, and the user's objects, which must stay what they are but for what is ours in them.
"""
