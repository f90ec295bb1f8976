"""`[model]`: which estimators compete, and how they are judged."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from keepfit.spec.strict import Length, Strict

__all__ = ["ModelSpec"]


class ModelSpec(Strict):
    """How candidates are made."""

    #: Kinds of estimators that compete.
    estimators: Annotated[tuple[str, ...], Field(min_length=1, strict=False)] = ("linear", "lightgbm")
    #: By estimator, parameters that are not searched: `{ lightgbm = { trees = 100 } }`.
    parameters: dict[str, dict[str, bool | int | float | str]] = Field(default_factory=dict)
    #: Recipes tried, over all estimators together; the defaults of each come first. 0 tries the defaults only.
    trials: Annotated[int, Field(ge=0)] = 20
    #: The longest that trying may take; what is under way is finished.
    budget: Length | None = None
    #: "full": recipes are compared on folds; calibration and the decision threshold come from the rows left out there.
    #: "quick": one fit of the first estimator with its defaults, no folds.
    evaluation: Literal["full", "quick"] = "full"
    #: "development": the released model is the judged one, fitted without the test rows.
    #: "all": the judged recipe is fitted once more on every row; the release then starts in the shadow.
    final_fit: Literal["development", "all"] = "development"
    #: Types that a model made by `module:function` may hold beside those that skops trusts: loading them may run their code.
    trust: Annotated[tuple[str, ...], Field(strict=False)] = ()
    #: Makes a run repeatable.
    seed: int = 0
