"""What every class of the project file shares: unknown keys are faults, values do not change."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainSerializer, PlainValidator, WithJsonSchema

from keepfit.instant import Duration

__all__ = ["Length", "Name", "Strict"]


class Strict(BaseModel):
    """A table of the project file, or a plugin's options in it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True, defer_build=True)


def _length(value: Any) -> Duration:
    if isinstance(value, Duration):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a duration")
    return Duration.parse(value)


#: A duration, written as a number and a unit: `7d`, `12h`.
Length = Annotated[
    Duration,
    PlainValidator(_length),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\s*\d+\s*(ms|s|m|h|d|w)\s*$", "examples": ["7d", "12h"]}),
]

#: A name that may stand in a path, a URL and a metric's label.
Name = Annotated[str, WithJsonSchema({"type": "string", "pattern": "^[a-z][a-z0-9-]*$"})]
