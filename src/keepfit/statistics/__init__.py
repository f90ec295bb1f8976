"""Statistics of drift that are shown by name, one a file."""
