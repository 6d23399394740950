"""`python -m e2e.rights`: whether the shipped role is what the plays needed, no more and no less."""
