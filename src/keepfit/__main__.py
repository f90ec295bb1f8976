"""`python -m keepfit`."""

from __future__ import annotations

from keepfit.commands import main

if __name__ == "__main__":
    main()
