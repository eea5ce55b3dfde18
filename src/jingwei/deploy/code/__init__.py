"""Audit of the code of AI applications: what a model, a user or a document may decide, and what is left open."""
