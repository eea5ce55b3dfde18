"""Red teaming: suites of attacks, transforms, a three-state judge and the check that runs them."""
