"""Deploy (floor 3): from model file to guarded endpoint."""
