"""Sketches: each says what it keeps of a column's values, how two merge, and how far its answers may be off."""
