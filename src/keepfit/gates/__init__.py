"""Rules that a candidate must pass before it may serve."""
