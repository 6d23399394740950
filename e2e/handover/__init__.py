"""Two replicas of the controller on a real API server: the one that works is ended, killed, frozen or cut off.

Canaries are edited all the while, so that there is always something to write. The API server's audit log says who wrote
when: how long nobody did, and that none writes to what its successor has written.
"""
