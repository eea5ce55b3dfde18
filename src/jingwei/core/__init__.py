"""The values every floor speaks in: evidence, checks, tokens, policy, ledger, store, errors and text."""
