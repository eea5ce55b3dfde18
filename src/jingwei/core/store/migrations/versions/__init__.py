"""The versions of each branch."""
