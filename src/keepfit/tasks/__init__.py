"""Kinds of tasks: each says what its target, outputs, decisions and metrics are."""
