"""The development side: what is done to a model and its data before anyone depends on it."""
