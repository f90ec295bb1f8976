"""The steps of the loop: each reads, computes, and records."""
