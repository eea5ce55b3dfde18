"""Operate (floor 3): what keeps a released System in order while it serves."""
