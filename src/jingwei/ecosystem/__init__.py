"""What organisations give one another: records of weaknesses, evidence, cases."""
