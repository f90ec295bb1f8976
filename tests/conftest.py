"""What holds for every test: one thread for each library, no settings from outside, hypothesis without a stopwatch."""

from __future__ import annotations

import os

# Before any library that reads it: two OpenMP threads on two busy cores are slower by orders of magnitude.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
for _name in [name for name in os.environ if name.startswith("KEEPFIT_")]:
    del os.environ[_name]

from hypothesis import settings  # noqa: E402 -- after the environment is set

# The default run is the same every time; `--hypothesis-profile=seek` looks further.
settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
settings.register_profile("seek", deadline=None, database=None, max_examples=2000, print_blob=True)
settings.load_profile("repeatable")
