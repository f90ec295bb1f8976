"""Kinds of columns: each says how it is checked, profiled, encoded and compared."""
