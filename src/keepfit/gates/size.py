"""A ceiling over the bytes of a model."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from keepfit.evaluation import Evaluation
from keepfit.gate import Answer
from keepfit.spec.strict import Strict

__all__ = ["Size"]

_UNITS = {"": 1, "B": 1, "kB": 1000, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


def _bytes(value: Any) -> Any:
    """A number of bytes, or text of a number and a unit.

    >>> _bytes("1.5 MB")
    1500000
    """
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", value)
    if match is None or match[2] not in _UNITS:
        raise ValueError(f"{value!r} is not a size: write a number and a unit, such as 20MB or 512KiB")
    return round(float(match[1]) * _UNITS[match[2]])


def _shown(size: float) -> str:
    unit = next(unit for unit in ("GB", "MB", "kB", "B") if size >= _UNITS[unit] or unit == "B")
    return f"{size / _UNITS[unit]:.4g} {unit}"


class Size(Strict):
    """The files of the model must together be at most `limit`.

    It does not keep a worse champion: where the champion's own files are no smaller, the gate does not apply.
    """

    kind: Literal["size"] = "size"
    limit: Annotated[int, BeforeValidator(_bytes), Field(ge=0)]  #: bytes, or text such as 20MB

    def __call__(self, candidate: Evaluation, champion: Evaluation | None) -> Answer:
        mine, theirs = candidate.serving, champion.serving if champion else None
        if mine is None:
            return Answer("undecided", "the size of this candidate was not measured", "fit it again: keepfit run")
        says = f"the model has {_shown(mine.size)}, at most {_shown(self.limit)}"
        if mine.size <= self.limit:
            return Answer("passed", says)
        if theirs is not None and theirs.size >= mine.size:
            return Answer("not_applicable", f"{says}; the champion has {_shown(theirs.size)}, which is no better")
        return Answer("failed", says, f"it is {_shown(mine.size - self.limit)} too large: fewer or smaller trees, or fewer columns")
