"""`[checks]`: what happens to rows that do not fit the schema."""

from __future__ import annotations

from typing import Literal, TypeAlias

from keepfit.spec.strict import Strict

__all__ = ["ChecksSpec", "Policy"]

#: The take is refused; or the rows are left out and kept aside; or they are taken, and said.
Policy: TypeAlias = Literal["refuse", "quarantine", "warn"]


class ChecksSpec(Strict):
    """A policy per check. Whatever it is, what does not fit is counted, listed by row and kept as a table."""

    #: Values that cannot be read as what the column holds.
    kind: Policy = "refuse"
    #: Rows that repeat the key of an earlier one, or lack a part of it.
    key: Literal["refuse", "quarantine"] = "refuse"
    #: Rows without a time.
    time: Literal["refuse", "quarantine"] = "refuse"
    #: Numbers outside `min` and `max` of their column, or far outside of what was taken before; times before 1900 or after 2199.
    range: Policy = "warn"
    #: Values that are none of `values` of their column; or many that were never taken before.
    values: Policy = "warn"
    #: More missing values than `missing` of their column allows, or many more than before.
    missing: Policy = "warn"
    #: One value in most of the new rows, which few had before.
    flood: Literal["refuse", "warn"] = "warn"
    #: Numbers that look as if they came in another unit.
    unit: Literal["refuse", "warn"] = "warn"
    #: Rows that came late, or are gone, before the newest time that was taken.
    order: Literal["refuse", "warn"] = "warn"
