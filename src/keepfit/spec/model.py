"""`[model]`: which estimators compete, and how they are judged."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from keepfit.spec.strict import Strict

__all__ = ["ModelSpec"]


class ModelSpec(Strict):
    """How candidates are made."""

    #: Kinds of estimators; the best on the newest development rows is taken.
    estimators: Annotated[tuple[str, ...], Field(min_length=1, strict=False)] = ("linear", "lightgbm")
    #: Makes a run repeatable.
    seed: int = 0
    #: "development": the released model is the judged one, fitted without the test rows.
    #: "all": the judged recipe is fitted once more on every row.
    final_fit: Literal["development", "all"] = "development"
