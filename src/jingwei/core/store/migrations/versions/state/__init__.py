"""Versions of state, proof, gate and ledger."""
