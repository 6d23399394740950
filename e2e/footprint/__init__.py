"""What the controller's process takes of a machine with 100 Canaries, at rest and all in release: memory and CPU.

The requests and the limit in deploy/base/deployment.yaml come from what it prints. Everything is real but the pods;
what the process takes is read from /proc.
"""
