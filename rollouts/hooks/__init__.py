"""Webhooks: what is sent to a receiver, how it is sent, and what its answer means."""
