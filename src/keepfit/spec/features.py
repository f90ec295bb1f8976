"""`[features]`: columns that a function of the owner's adds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from keepfit.spec.strict import Strict

__all__ = ["FeaturesSpec"]


class FeaturesSpec(Strict):
    """A function that is given the columns known before the decision, and adds more of them."""

    model_config = ConfigDict(validate_by_alias=True, serialize_by_alias=True)

    #: `module:function`, looked for in the project's folder and among installed packages.
    function: Annotated[str, Field(alias="from", pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
    #: Whether it takes one row (a dict) or a table (a Polars frame); by default its first parameter's annotation says so.
    by: Literal["row", "frame"] | None = None
