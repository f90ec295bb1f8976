"""`[stores]`: where the ledger is kept when it is not beside the project."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from keepfit.spec.strict import Strict

__all__ = ["StoresSpec"]


class StoresSpec(Strict):
    """Stores, named by URL."""

    #: "sqlite" (a file in the project) or a URL such as `postgresql://user:${PASSWORD}@host/database`.
    ledger: Annotated[str, Field(min_length=1)] = "sqlite"
