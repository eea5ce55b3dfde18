"""Alembic migrations: one branch for state, one for events."""
