"""A GitOps tool applies the user's VirtualService every five seconds while a release runs, with and without the policy
that keeps weights. Every version of the VirtualService, Envoy's routes and real requests decide.
"""
