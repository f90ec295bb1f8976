"""`[labels]`: where late truth comes from when it does not come over HTTP."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from keepfit.spec.strict import Strict

__all__ = ["LabelsSpec"]


class LabelsSpec(Strict):
    """A table of labels, which is read before windows are looked at."""

    #: Whatever `data.source` may be: a table with the truth, and with the key's columns or a column `prediction` that holds ids.
    source: str
    #: The table of the database; `schema.table` for one in a schema.
    table: str | None = None
    #: What to ask the database, in place of a whole table.
    query: str | None = None
    #: Texts that stand for no value in files of text, as `NA`.
    missing: Annotated[tuple[str, ...], Field(strict=False)] = ()
    #: The column that says when a label became known: one that lies after now is left for later. Without it all are known.
    time: str | None = None
    #: The column that holds the truth; by default the target's name.
    value: str | None = None

    @model_validator(mode="after")
    def _one_statement(self) -> LabelsSpec:
        if self.table is not None and self.query is not None:
            raise ValueError("table and query exclude each other: name the table, or write the query")
        return self
