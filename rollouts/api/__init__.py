"""The words of the product: kinds, fields and conditions that a user can see. Imports nothing of ours."""
