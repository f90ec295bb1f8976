"""Statistics as pure functions of arrays: no limit, no verdict."""
