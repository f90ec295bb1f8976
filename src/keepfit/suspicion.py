"""Suspicions: what a look at the data, before any model, suggests to set. They suggest; the owner decides."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from keepfit.instant import Duration
from keepfit.measures import alone
from keepfit.table import dtype_of

if TYPE_CHECKING:
    import numpy as np
    import polars as pl  # the command line starts without it
    from numpy.typing import NDArray

__all__ = [
    "Suspicion",
    "constant_columns",
    "few_of_one_outcome",
    "labels_that_end_early",
    "missing_that_tells",
    "numbers_as_text",
    "repeated_across_splits",
    "repeated_rows",
    "suspect",
    "telling_alone",
    "times_after",
]

#: What is suspected.
Kind: TypeAlias = Literal["leak", "missing", "after", "constant", "text", "balance", "tail", "duplicates", "repeated"]

#: Rows that are looked at, spread evenly over the table, where a column is held against the target.
_ROWS, _CELLS = 20_000, 5_000_000
#: With fewer rows of an outcome nothing is said of what tells it.
_FEWEST = 10
_BINS = 64
#: A numeric target with more values is a magnitude.
_MOST_OUTCOMES = 20
#: Texts that are looked at before all are.
_LOOKED_AT = 1_000
#: A single column that tells the target so well mostly came after it: in Gini, avoided errors, or explained variance of ranks.
_TELLS_ALL = {"ranked": 0.97, "named": 0.97, "explained": 0.99}
#: Of the rows that lack a value (or have one) so many have one outcome, and by chance that would be rarer than this.
_PURE, _BY_CHANCE = 0.99, 1e-6
#: A time that lies after the decision in more than this share of rows is not known before it.
_AFTER = 0.01
#: Texts of which so many are numbers are numbers, with texts for what is missing.
_NUMBERS = 0.9
#: What others write for no value.
NO_VALUE = ("NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "none", "?", "-", ".", "")
#: Fewer rows of an outcome, or a smaller share, are hard to learn from.
_FEW_ROWS, _FEW_SHARE = 50, 0.01
#: The newest rows that a split keeps for testing.
_NEWEST = 0.2
#: Rows that agree in all columns are suspicious where chance makes fewer than one pair in this many tables agree.
_BITS_TO_SPARE = 10
_REPEATED_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One thing that is suspected of a column, or with no column of the table.

    `because` says why in plain words and numbers, `suggests` what might be written into the project file, where there is
    something to write. Neither holds a value from a row.
    """

    record: ClassVar[str] = "suspicion"
    version: ClassVar[int] = 1

    kind: Kind
    column: str
    because: str
    suggests: str = ""


def suspect(
    frame: pl.DataFrame,
    *,
    target: str,
    time: str | None = None,
    key: Sequence[str] = (),
    delay: Duration | None = None,
    skip: Collection[str] = (),
) -> list[Suspicion]:
    """Everything that is suspected of a table in its stored types, most telling first.

    Parameters
    ----------
    frame : the whole table, the target as it is in the source
    skip : columns that are no features: those known later, dropped, protected or of subjects
    """
    features = [name for name in frame.columns if name not in {target, time, *key, *skip}]
    found = telling_alone(frame, target, features)
    found += missing_that_tells(frame, target, features)
    if time is not None:
        found += times_after(frame, time, [name for name in frame.columns if name not in {target, time, *skip}])
        found += labels_that_end_early(frame, target, time, delay or Duration(0))
    found += repeated_rows(frame)
    found += repeated_across_splits(frame, target, time, features)
    found += few_of_one_outcome(frame[target])
    found += constant_columns(frame, features)
    found += numbers_as_text(frame, features)
    return found


def telling_alone(frame: pl.DataFrame, target: str, columns: Sequence[str]) -> list[Suspicion]:
    """Columns of which each tells the target almost perfectly by itself.

    Missing values count as a value; a name counts by the rows of the other half of the table that bear it.
    """
    rows = _spread(frame.filter(frame[target].is_not_null()), len(columns))
    measure = _measure(rows[target]) if rows.height else None
    if measure is None:
        return []
    name, tell, shown = measure
    found = []
    for column, codes in _codes(_columns(rows, columns)):
        strength = tell(codes)
        if strength >= _TELLS_ALL[name]:
            because = f"alone it {shown} almost perfectly ({strength:.3f} of 1)"
            found.append((strength, Suspicion("leak", column, because, _later(column))))
    return [one for _, one in sorted(found, key=lambda pair: -pair[0])]


def missing_that_tells(frame: pl.DataFrame, target: str, columns: Sequence[str]) -> list[Suspicion]:
    """Columns whose missing values, or whose present ones, go with one outcome."""
    known = frame.filter(frame[target].is_not_null())
    if known.height == 0 or _is_magnitude(known[target]):
        return []
    counted = known[target].value_counts()
    shares = {value: count / known.height for value, count in counted.rows()}
    found = []
    for values in _columns(known, columns):
        column, missing = values.name, values.null_count()
        if missing == 0 or missing == known.height:
            continue
        lacks = values.is_null()
        for rows, count, said in ((lacks, missing, "lack"), (~lacks, known.height - missing, "have")):
            value, most = known[target].filter(rows).value_counts(sort=True).row(0)
            by_chance = shares[value] ** most
            if most / count >= _PURE and most >= _FEWEST and by_chance < _BY_CHANCE:
                share = f"{shares[value]:.0%} of all rows"
                because = f"of the {count:,} rows that {said} it {most / count:.1%} have one outcome, which {share} have"
                found.append(Suspicion("missing", column, because, _later(column)))
                break
    return found


def times_after(frame: pl.DataFrame, time: str, columns: Sequence[str]) -> list[Suspicion]:
    """Columns of times that lie after the time of the decision."""
    found = []
    for values in _columns(frame, columns):
        if dtype_of(values.dtype) == "instant":
            both = values.is_not_null() & frame[time].is_not_null()
            after = int((values > frame[time]).sum())
            if after > _AFTER * int(both.sum()):
                because = f"it lies after '{time}' in {after / int(both.sum()):.1%} of rows"
                found.append(Suspicion("after", values.name, because, _later(values.name)))
    return found


def constant_columns(frame: pl.DataFrame, columns: Sequence[str]) -> list[Suspicion]:
    """Columns without a value, or with one only."""
    found = []
    for values in _columns(frame, columns):
        missing = values.null_count()
        if missing == len(values) or (missing == 0 and values.min() == values.max()):
            because = "it holds no value" if missing else "it has the same value in every row"
            found.append(Suspicion("constant", values.name, because, f"{_quoted(values.name)} = {{ ignore = true }}"))
    return found


def numbers_as_text(frame: pl.DataFrame, columns: Sequence[str]) -> list[Suspicion]:
    """Columns of text that are numbers but for some values."""
    import polars as pl  # the command line starts without it

    found = []
    for values in _columns(frame, columns):
        if values.dtype != pl.String or len(values := values.drop_nulls()) == 0:
            continue
        if _share(_is_number(values.gather_every(-(-len(values) // _LOOKED_AT)))) < _NUMBERS / 2:
            continue
        numbers = _is_number(values)
        if _NUMBERS <= (share := _share(numbers)) < 1:
            others = set(values.filter(~numbers).str.strip_chars().unique().to_list())
            because = f"{share:.1%} of its texts are numbers"
            said = ", ".join(f'"{text}"' for text in NO_VALUE if text in others)
            suggests = f"missing = [{said}]" if others <= set(NO_VALUE) else f'{_quoted(values.name)} = {{ kind = "number" }}'
            found.append(Suspicion("text", values.name, because, suggests))
    return found


def _is_number(texts: pl.Series) -> pl.Series:
    import polars as pl  # the command line starts without it

    return texts.str.strip_chars().cast(pl.Float64, strict=False).is_not_null()


def _share(mask: pl.Series) -> float:
    return int(mask.sum()) / len(mask)


def few_of_one_outcome(target: pl.Series) -> list[Suspicion]:
    """Few rows of one of the outcomes, or a small share of them."""
    known = target.drop_nulls()
    if len(known) == 0 or _is_magnitude(known):
        return []
    counts = known.value_counts(sort=True)[:, 1].to_list()
    least = counts[-1]
    if len(counts) < 2 or (least >= _FEW_ROWS and least >= _FEW_SHARE * len(known)) or (len(counts) > 2 and least >= _FEWEST):
        return []
    because = f"the rarest of its {len(counts)} outcomes has {least:,} of {len(known):,} rows ({least / len(known):.2%})"
    return [Suspicion("balance", target.name, because)]


def labels_that_end_early(frame: pl.DataFrame, target: str, time: str, delay: Duration) -> list[Suspicion]:
    """A tail of rows, old enough by the label delay, whose outcome is not known, or all of one kind: the truth comes later."""
    import polars as pl  # the command line starts without it

    ordered = frame.select(time, target).drop_nulls(time).sort(time)
    if ordered.height < 2 * _FEWEST:
        return []
    newest = ordered[time][-1]
    due = ordered.filter(pl.col(time) <= newest - delay.delta)
    known = due[target].is_not_null()
    if not known.any():
        return []
    last = int(known.arg_true()[-1])
    tail = due.height - 1 - last
    if tail >= _FEWEST and _share(~known.head(last + 1)) ** tail < _BY_CHANCE:
        because = f"the newest {tail:,} rows that are older than the label delay ({delay}) have no outcome yet"
        return [Suspicion("tail", target, because, _longer(due[time][last], newest))]
    return [] if _is_magnitude(due[target].drop_nulls()) else _one_outcome_tail(due.filter(known), target, time, newest)


def _one_outcome_tail(known: pl.DataFrame, target: str, time: str, newest: object) -> list[Suspicion]:
    values = known[target]
    runs = values.rle().struct.unnest()
    last = runs[-1, "value"]
    count = int(runs[-1, "len"])
    share = _share(values == last)
    longest = max(runs.head(-1).filter(runs.head(-1)["value"] == last)["len"].to_list(), default=0)
    if values.n_unique() < 2 or count < 2 * _FEWEST or share**count >= _BY_CHANCE or count <= 3 * longest:
        return []
    because = f"the newest {count:,} rows with an outcome all have the same one, which {share:.0%} of all rows have: the other comes later"
    return [Suspicion("tail", target, because, _longer(known[time][known.height - count - 1], newest))]


def repeated_rows(frame: pl.DataFrame) -> list[Suspicion]:
    """Rows that repeat another in every column."""
    count = frame.height - frame.hash_rows().n_unique() if frame.height else 0
    if count == 0 or not _tells_rows_apart(frame, frame.columns):
        return []
    return [Suspicion("repeated", "", f"{count:,} rows repeat another in every column")]


def repeated_across_splits(frame: pl.DataFrame, target: str, time: str | None, columns: Sequence[str]) -> list[Suspicion]:
    """Rows of which a model would know the answer: those for testing that an earlier row equals in all that is learned from."""
    known = frame.filter(frame[target].is_not_null())
    few = _spread(known, len(columns))
    columns = [values.name for values in _columns(few, columns) if values.dtype.is_float() or values.n_unique() < few.height]
    if known.height < 2 * _FEWEST or not columns or not _tells_rows_apart(known, columns):
        return []
    rows = (known.sort(time) if time else known)[columns].hash_rows()
    develop = rows.head(round((1 - _NEWEST) * len(rows)))
    test = rows.tail(len(rows) - len(develop))
    count = int(test.is_in(develop.unique().implode()).sum())
    if count < _REPEATED_SHARE * len(test) or count < _FEWEST:
        return []
    place = "newest" if time else "last"
    because = f"of the {place} {len(test):,} rows {count:,} equal an earlier one in every column that is learned from"
    return [Suspicion("duplicates", "", because, 'key = ["…"], or remove the repetitions')]


def _tells_rows_apart(frame: pl.DataFrame, columns: Sequence[str]) -> bool:
    """Whether equal rows are no chance: the columns, were they independent, tell more rows apart than there are pairs."""
    import numpy as np  # the command line starts without it

    rows = _spread(frame, len(columns))[list(columns)]
    rows = rows.filter(rows.hash_rows().is_first_distinct())
    needed = 2 * np.log2(max(frame.height, 2)) + _BITS_TO_SPARE
    bits = 0.0
    for values in rows.get_columns():
        counts = values.value_counts().to_series(1).to_numpy()
        bits -= float(np.log2(((counts * (counts - 1)).sum() + 1) / (rows.height * (rows.height - 1) + 1)))
        if bits >= needed:
            return True
    return False


def _measure(target: pl.Series) -> tuple[str, Callable[[NDArray[np.int64]], float], str] | None:
    """How a column is held against a target of this form, and how that is said; None where there are too few rows."""
    import numpy as np  # the command line starts without it

    if _is_magnitude(target):
        numbers = target.cast(float).to_numpy()
        return (
            ("explained", lambda codes: alone.explained(codes, numbers), f"tells '{target.name}'") if len(target) >= 5 * _FEWEST else None
        )
    counted = target.value_counts()
    if counted.height < 2 or int(counted[:, 1].sort(descending=True)[1]) < _FEWEST:
        return None
    classes = target.rank("dense").cast(int).to_numpy().astype(np.int64) - 1
    if counted.height == 2:
        return "ranked", lambda codes: alone.ranked(codes, classes == 1), f"ranks the rows by '{target.name}'"
    return "named", lambda codes: alone.named(codes, classes), f"names '{target.name}'"


def _is_magnitude(target: pl.Series) -> bool:
    """Whether a target is a number of many values rather than one of some outcomes."""
    return target.dtype.is_numeric() and target.n_unique() > min(_MOST_OUTCOMES, len(target) / 5)


def _columns(frame: pl.DataFrame, names: Sequence[str]) -> list[pl.Series]:
    """Columns by name: to look each up by itself takes long where there are thousands."""
    held = {values.name: values for values in frame.get_columns()}
    return [held[name] for name in names]


def _codes(columns: Sequence[pl.Series]) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Columns as codes: quantile bins of numbers and times, a code for each other value."""
    import numpy as np  # the command line starts without it
    import polars as pl  # the command line starts without it

    for values in columns:
        dtype = dtype_of(values.dtype)
        if dtype in ("bool", "text"):
            yield values.name, values.rank("dense").fill_null(0).to_numpy().astype(np.int64)
        else:
            plain = values.cast(pl.Int64) if dtype == "instant" else values
            yield values.name, alone.bins(plain.cast(pl.Float64).to_numpy(), _BINS)


def _spread(frame: pl.DataFrame, columns: int) -> pl.DataFrame:
    """Rows spread evenly over a table: fewer where there are many columns."""
    import numpy as np  # the command line starts without it

    most = min(_ROWS, max(2_000, _CELLS // max(1, columns)))
    return frame[np.arange(0, frame.height, -(-frame.height // most))] if frame.height > most else frame


def _later(column: str) -> str:
    return f'{_quoted(column)} = {{ known = "later" }}'


def _quoted(column: str) -> str:
    """A column's name as a key of a TOML file."""
    bare = column.replace("_", "").replace("-", "")
    if bare.isascii() and bare.isalnum():
        return column
    return '"' + column.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _longer(last: object, newest: object) -> str:
    """The label delay that leaves the tail out, in whole days."""
    days = -(-(newest - last).total_seconds() // 86_400)  # type: ignore[operator]
    return f'label_delay = "{int(days)}d"'
