"""A violation: something in a table that does not fit its schema, as data: what, where, how many rows, which."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from keepfit import plugin
from keepfit.measures.unit import unit_change
from keepfit.profile import Profile
from keepfit.schema import Column, Schema
from keepfit.sketch import Sketches
from keepfit.spec.checks import Policy

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Broken", "Check", "Rule", "Violation", "came_late", "many", "violations"]

#: What is checked; the names are the keys of `[checks]`.
Check: TypeAlias = Literal["kind", "key", "time", "range", "values", "missing", "flood", "unit", "order"]

#: Row numbers that a violation lists.
LISTED = 20
#: Fewer rows say little about a column as a whole.
_FEWEST = 30
#: Missing values are more than before: by so much of all rows, by this factor, and by so many standard errors.
_MORE_MISSING, _TIMES_MISSING, _SURE = 0.05, 2.0, 5.0
#: So many values, and such a share of the new rows, were never taken before.
_UNSEEN_ROWS, _UNSEEN_SHARE = 10, 0.02
#: One value floods a column: in such a share of the rows, and so many times as often as before.
_FLOOD, _TIMES_FLOOD = 0.5, 3.0
#: Another unit: quantiles that lay so far apart, in their spread, and a change of unit brings so much nearer.
_APART, _NEARER, _UNIT_ROWS = 0.75, 0.06, 100
_DECILES = tuple(step / 10 for step in range(1, 10))
_YEARS = (1900, 2199)


@dataclass(frozen=True, slots=True)
class Violation:
    """What does not fit: `count` rows, the first of them by their number in the source, counted from 1.

    `because` holds words and numbers, never a value from a row.
    """

    record: ClassVar[str] = "violation"
    version: ClassVar[int] = 1

    check: Check
    column: str
    policy: Policy
    count: int
    rows: tuple[int, ...]
    because: str


@dataclass(frozen=True, slots=True)
class Rule:
    """What the owner says that a column holds: bounds, a set of values, the greatest share of missing ones."""

    least: float | None = None
    most: float | None = None
    values: tuple[object, ...] | None = None
    missing: float | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """What does not fit, and in which rows: a mask of the table's height."""

    check: Check
    column: str
    rows: pl.Series
    because: str
    #: The rows to leave out, where they are not the same: of those that share a key the first may stay.
    but: pl.Series | None = None

    @property
    def left_out(self) -> pl.Series:
        return self.rows if self.but is None else self.but

    def violation(self, policy: Policy, numbers: pl.Series | None = None) -> Violation:
        """As data; `numbers` are the rows' numbers in the source, their places by default."""
        at = self.rows.arg_true()
        first = at.head(LISTED).to_list()
        listed = [place + 1 for place in first] if numbers is None else [int(numbers[place]) for place in first]
        return Violation(self.check, self.column, policy, len(at), tuple(listed), self.because)


@dataclass(frozen=True, slots=True)
class _Seen:
    """One column as it comes, and what is known of it: its sketches before, the owner's rule, and which rows are new."""

    column: Column
    values: pl.Series
    new: pl.Series
    before: Sketches | None
    rule: Rule = field(default_factory=Rule)


def violations(
    frame: pl.DataFrame,
    known: Schema,
    reference: Profile | None = None,
    *,
    rules: Mapping[str, Rule] | None = None,
    fresh: pl.Series | None = None,
) -> list[Broken]:
    """Everything in a table that does not fit.

    A snapshot and a window of live traffic are checked alike; a column that the table lacks is passed over.

    Parameters
    ----------
    frame : a table in its stored types
    known : what its columns are
    reference : what they looked like before; of a window, the profile that its release was fitted on
    rules : what the owner says that columns hold
    fresh : which rows are new, a mask; all by default. What says something of a column as a whole looks at them alone.
    """
    import polars as pl  # the command line starts without it

    found = list(_identity(frame, known))
    fresh = pl.repeat(True, frame.height, dtype=pl.Boolean, eager=True) if fresh is None else fresh
    held = {values.name: values for values in frame.get_columns()}
    columns = reference.columns if reference else {}
    for column in known.columns:
        if column.name in held:
            rule = (rules or {}).get(column.name, Rule())
            seen = _Seen(column, held[column.name], fresh, columns.get(column.name), rule)
            for look in (_missing, _range, _values, _flood, _unit):
                found += look(seen)
    return found


def _identity(frame: pl.DataFrame, known: Schema) -> Iterator[Broken]:
    """Rows that lack a time or a part of the key, or repeat a key."""
    if known.time in frame.columns and frame[known.time].null_count():
        yield Broken(
            "time", known.time, frame[known.time].is_null(), f"{many(frame[known.time].null_count())} without a time that can be read"
        )
    if not known.key or not set(known.key) <= set(frame.columns):
        return
    keys = frame.select(known.key)
    lacking = keys.select(any_null=_any_null(known.key)).to_series()
    if lacking.any():
        yield Broken("key", known.key[0], lacking, f"{many(int(lacking.sum()))} without a part of the key")
    repeated = keys.is_duplicated()
    if repeated.any():
        first = keys.select(first=_first_of(known.key)).to_series()
        named = ", ".join(known.key)
        because = f"the key ({named}) names several rows: {many(int(repeated.sum()))} share theirs with another"
        yield Broken("key", known.key[0], repeated & ~lacking, because, repeated & ~first)


def came_late(time: pl.Series, newest: datetime, rows: int, policy: Policy) -> Violation | None:
    """What changed in the past: rows up to the newest time that was taken, of which there were so many.

    Nothing is said of a table as it was known earlier still.
    """
    last = time.max()
    if not isinstance(last, datetime) or last < newest:
        return None
    now = int((time <= newest).sum())
    if now == rows:
        return None
    what = "came late" if now > rows else "gone"
    because = f"{many(abs(now - rows))} {what}: before the newest time that was taken last"
    return Violation("order", time.name, policy, abs(now - rows), (), because)


def many(count: int, thing: str = "row") -> str:
    """A count with its noun.

    >>> many(1), many(1200, "value")
    ('1 row', '1,200 values')
    """
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _any_null(names: tuple[str, ...]) -> pl.Expr:
    import polars as pl  # the command line starts without it

    return pl.any_horizontal(pl.col(name).is_null() for name in names)


def _first_of(names: tuple[str, ...]) -> pl.Expr:
    import polars as pl  # the command line starts without it

    return pl.struct(names).is_first_distinct()


def _missing(seen: _Seen) -> Iterator[Broken]:
    name, rule = seen.column.name, seen.rule
    known_later = not {"target", "later", "time", "key"}.isdisjoint(seen.column.uses)
    if rule.missing is not None:
        share = seen.values.null_count() / max(1, len(seen.values))
        if share > rule.missing:
            because = f"missing in {share:.1%} of the rows, and at most {rule.missing:.1%} are allowed"
            yield Broken("missing", name, seen.values.is_null(), because)
        return
    rows = int(seen.new.sum())
    if known_later or seen.before is None or rows < _FEWEST:
        return
    count = seen.before["count"]
    had = count["missing"] / max(1, count["rows"])
    mask = seen.values.is_null() & seen.new
    has = int(mask.sum()) / rows
    error = math.sqrt(max(had * (1 - had), 1 / rows) / rows)
    if (has - had >= _MORE_MISSING and has >= _TIMES_MISSING * had and has - had >= _SURE * error) or (has == 1 and had < 1):
        said = "every row" if has == 1 else f"{has:.1%} of the rows"
        yield Broken("missing", name, mask, f"missing in {said}, {had:.1%} before")


def _range(seen: _Seen) -> Iterator[Broken]:
    import polars as pl  # the command line starts without it

    name, values, rule = seen.column.name, seen.values, seen.rule
    if seen.column.dtype == "instant":
        outside = ((values.dt.year() < _YEARS[0]) | (values.dt.year() > _YEARS[1])).fill_null(False)
        if outside.any():
            yield Broken("range", name, outside, f"{many(int(outside.sum()), 'time')} before {_YEARS[0]} or after {_YEARS[1]}")
        return
    if not values.dtype.is_numeric():
        return
    bounds, said = (rule.least, rule.most), ""
    moments = (seen.before or {}).get("moments")
    if bounds != (None, None):
        said = _stated(*bounds)
    elif moments and moments["rows"] and moments["most"] > moments["least"]:
        span = moments["most"] - moments["least"]
        bounds, said = (
            (moments["least"] - span, moments["most"] + span),
            "further outside of what was there before than that is wide",
        )
    low, high = (-math.inf if bounds[0] is None else bounds[0]), (math.inf if bounds[1] is None else bounds[1])
    least, most = values.min(), values.max()
    if (low == -math.inf and high == math.inf) or least is None or (low <= least and most <= high):  # type: ignore[operator]
        return
    outside = ((values < low) | (values > high)).fill_null(False)
    if values.dtype.is_float():
        outside &= ~values.is_nan().fill_null(False)
    if outside.any():
        yield Broken("range", name, pl.Series(outside), f"{many(int(outside.sum()), 'value')} {said}")


def _stated(least: float | None, most: float | None) -> str:
    if least is None and most is not None:
        return f"above {most:,g}"
    return f"below {least:,g}" if most is None else f"outside {least:,g} to {most:,g}"


def _values(seen: _Seen) -> Iterator[Broken]:
    name, values, rule = seen.column.name, seen.values, seen.rule
    if rule.values is not None:
        others = (~_is_among(values, rule.values)).fill_null(False)
        if others.any():
            yield Broken("values", name, others, f"{many(int(others.sum()), 'value')} beside the {len(rule.values)} that are allowed")
        return
    names = (seen.before or {}).get("names")
    if names is None or values.dtype.is_temporal() or names["other"] or not names["names"] or "target" in seen.column.uses:
        return
    unseen = (~_is_among(_as_names(values), names["names"])).fill_null(False)
    count, rows = int(unseen.sum()), max(1, int(seen.new.sum()))
    expected = names["once"] / max(
        1, sum(names["counts"])
    )  # Good (1953): the share of what was never seen is about that of what was seen once
    if count >= _UNSEEN_ROWS and count >= max(_UNSEEN_SHARE, 10 * expected) * rows:
        yield Broken("values", name, unseen, f"{many(count)} with a value that was never there before")


def _flood(seen: _Seen) -> Iterator[Broken]:
    rows = int(seen.new.sum())
    if seen.before is None or rows < _FEWEST or "target" in seen.column.uses or "time" in seen.column.uses:
        return
    fresh = seen.values if rows == len(seen.values) else seen.values.filter(seen.new)
    known = fresh.drop_nulls()
    if len(known) < _FEWEST:
        return
    sample = known.gather_every(max(1, len(known) // 500))
    value = sample.value_counts(sort=True).to_series(0)[0]
    share = int((known == value).sum()) / len(known)
    if share < _FLOOD:
        return
    had = _share_before(seen.before, value)
    if had is None:
        return
    error = math.sqrt(max(had * (1 - had), 1 / len(known)) / len(known))
    if share >= min(1.0, _TIMES_FLOOD * had) and share - had >= _SURE * error:
        mask = ((seen.values == value) & seen.new).fill_null(False)
        yield Broken("flood", seen.column.name, mask, f"one value in {share:.1%} of the rows, at most {had:.1%} before")


def _share_before(before: Sketches, value: object) -> float | None:
    """The greatest share that a value can have had; None where nothing says it."""
    if (names := before.get("names")) is not None:
        total = sum(names["counts"]) + names["other"]
        at = dict(zip(names["names"], zip(names["counts"], names["over"], strict=True), strict=True)).get(_as_name(value))
        rows = sum(at) if at else names["error"]
        return rows / total if total else None
    histogram = before.get("histogram")
    if histogram is None or not isinstance(value, (int, float)) or not sum(histogram["counts"]):
        return None
    place = sum(edge <= value for edge in histogram["edges"])
    return float(histogram["counts"][place] / sum(histogram["counts"]))


def _unit(seen: _Seen) -> Iterator[Broken]:
    quantiles = (seen.before or {}).get("quantiles")
    if quantiles is None or quantiles["rows"] < _UNIT_ROWS or not seen.values.dtype.is_numeric() or "target" in seen.column.uses:
        return
    fresh = seen.values.filter(seen.new & seen.values.is_not_null())
    fresh = fresh.filter(fresh.is_finite()) if fresh.dtype.is_float() else fresh
    if len(fresh) < _UNIT_ROWS:
        return
    now = [float(fresh.quantile(share)) for share in _DECILES]  # type: ignore[arg-type]
    changed = unit_change(plugin.find("sketches", "quantiles")().at(quantiles, _DECILES), now)
    if changed is not None and changed[1] >= _APART and changed[2] <= _NEARER:
        yield Broken("unit", seen.column.name, seen.new & seen.values.is_not_null(), f"the values look as if they were {changed[0]}")


def _is_among(values: pl.Series, allowed: object) -> pl.Series:
    import polars as pl  # the command line starts without it

    return values.is_in(pl.Series(allowed, strict=False).cast(values.dtype, strict=False).implode())  # type: ignore[arg-type]


def _as_names(values: pl.Series) -> pl.Series:
    import polars as pl  # the command line starts without it

    return values.cast(pl.String)


def _as_name(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
