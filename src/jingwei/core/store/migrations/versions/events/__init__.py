"""Versions of run-time events."""
