"""How people are told: one module for each kind of service, and one line for it in kinds.py."""
