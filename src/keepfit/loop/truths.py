"""Truths: what the labels of a window are worth: for which answers they came, how late, and whether they contradict one another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from keepfit.instant import Duration
from keepfit.loop import fold, groups
from keepfit.loop.apart import apart
from keepfit.loop.parts import when
from keepfit.measures.evenly import chance_of_even
from keepfit.schema import Schema
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

__all__ = ["told_about"]

#: Shares of labelled rows are said to differ when chance does so less often than this, over all that is asked together,
SURE = 0.01
#: and when they lie so far apart.
APART = 0.1
#: Fewer rows than this make no part.
FEWEST_ROWS = 30
#: More labels than this share that came after the label delay are worth a word.
LATE = 0.1
_PARTS = 5


def told_about(ws: Workspace, told: pl.DataFrame, labels: pl.DataFrame, known: Schema) -> tuple[str, ...]:
    """What has to be said of the labels of a release's answers in a window; nothing where they are as they should be.

    Parameters
    ----------
    told : its answers, with the column `label`
    labels : the labels about them
    """
    if told["label"].null_count() == told.height:
        return ()
    return (*_biased(ws, told, known), *_contradictory(told, labels, known.target), *_late(ws, told, labels, known.target))


def _biased(ws: Workspace, told: pl.DataFrame, known: Schema) -> Iterator[str]:
    """The questions under which labels came surely more often for some answers than for others."""
    there = told["label"].is_not_null()
    if there.all():
        return
    parts = dict(_parts(ws, told, known))
    for name, of_row in parts.items():
        found = _shares(of_row, there)
        if len(found) < 2:
            continue
        chance = chance_of_even([hits for _, hits, _ in found], [rows for _, _, rows in found]) * len(parts)
        shares = sorted(((hits / rows, part) for part, hits, rows in found), key=lambda one: one[0])
        (low, least), (high, most) = shares[0], shares[-1]
        if chance < SURE and high - low >= APART:
            yield (
                f"labels came for {high:.0%} of the answers with {name} {most} and for {low:.0%} of those with {least}: "
                "what is measured holds for the answers that have labels"
            )


def _parts(ws: Workspace, told: pl.DataFrame, known: Schema) -> Iterator[tuple[str, pl.Series]]:
    """By what labels may be uneven: the part of each answer, as text."""
    import polars as pl  # the command line starts without it

    decided = told["decision"]
    if decided.drop_nulls().n_unique() <= groups.MOST_NUMBERS:
        yield "decision", decided
    for column in [name for name in told.columns if name.startswith(fold.OUTPUT)][:1]:
        field = column.removeprefix(fold.OUTPUT)
        rank = told[column].rank("average")
        yield field, pl.Series([None if one is None else _FIFTHS[min(_PARTS - 1, int((one - 1) * _PARTS / told.height))] for one in rank])
    wanted = groups.columns(ws, known, full=True)
    private = [name for name in wanted if f"{fold.INPUT}{name}" not in told.columns]
    kept = apart(ws, told["id"], private) if private else told
    for name in wanted:
        values = kept[name] if name in private else told[f"{fold.INPUT}{name}"]
        yield name, groups.names(values)


_FIFTHS = ("in the lowest fifth", "in the second fifth", "in the middle fifth", "in the fourth fifth", "in the highest fifth")


def _shares(of_row: pl.Series, there: pl.Series) -> list[tuple[str, int, int]]:
    import polars as pl  # the command line starts without it

    counted = pl.DataFrame({"part": of_row.cast(pl.String), "there": there}).drop_nulls("part").group_by("part", maintain_order=True)
    found = counted.agg(hits=pl.col("there").sum(), rows=pl.len()).filter(pl.col("rows") >= FEWEST_ROWS)
    return [(str(part), int(hits), int(rows)) for part, hits, rows in found.rows()]


def _contradictory(told: pl.DataFrame, labels: pl.DataFrame, target: str) -> Iterator[str]:
    """Answers with labels of several values, of which none says that it takes another's place."""
    import polars as pl  # the command line starts without it

    about = labels.filter((pl.col("name") == target) & pl.col("supersedes").is_null())
    found = 0
    for column, names in (("prediction", told["id"]), ("key", told["key"].drop_nulls())):
        of = about.filter(pl.col(column).is_in(names.implode()))
        found += of.group_by(column).agg(values=pl.col("value").n_unique()).filter(pl.col("values") > 1).height
    if found:
        yield f"{found:,} {'answer has' if found == 1 else 'answers have'} labels that contradict one another: the newest counts"


def _late(ws: Workspace, told: pl.DataFrame, labels: pl.DataFrame, target: str) -> Iterator[str]:
    """How long labels took, where more of them than a few came after the label delay."""
    import polars as pl  # the command line starts without it

    about = labels.filter(pl.col("name") == target).sort("received_at", maintain_order=True)
    found = []
    for column, by in (("id", "prediction"), ("key", "key")):
        first = about.filter(pl.col(by).is_not_null()).unique(subset=[by], keep="first")
        found.append(told.select(column, _when=when()).join(first.select(pl.col(by).alias(column), "received_at"), on=column))
    took = pl.concat([one.select(_took=pl.col("received_at") - pl.col("_when")) for one in found])["_took"].dt.total_microseconds()
    delay = ws.spec.problem.label_delay
    late = int((took > delay.microseconds).sum()) / max(1, took.len())
    if late <= LATE:
        return
    half, most = (_long(int(took.quantile(share) or 0)) for share in (0.5, 0.95))
    yield f'{late:.0%} of the labels came later than label_delay = "{delay}": half took up to {half}, 95 of 100 up to {most}'


def _long(microseconds: int) -> str:
    hours = microseconds / Duration.parse("1h").microseconds
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"
