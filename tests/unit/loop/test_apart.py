from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from keepfit.loop import fold, log
from keepfit.loop.apart import SUBJECT, apart
from keepfit.loop.take import take
from keepfit.loop.watch import as_rows


@pytest.fixture
def logged(project, orders):
    """A project with predictions in two folded files, and what is kept of them apart."""
    ws = project()
    take(ws, now=orders["at"].max() + timedelta(days=30))
    folder = fold.folder_of(ws, "predictions")
    folder.mkdir(parents=True)
    for part, rows in (("a", range(3)), ("b", range(3, 5))):
        answers = pl.DataFrame({"id": [f"id{n}" for n in rows], "input.order": list(rows), "input.amount": [float(n) for n in rows]})
        answers.write_parquet(folder / f"predictions-{part}.parquet")
        beside = pl.DataFrame({"subject": [f"token{n % 2}" for n in rows], "gender": ["fm"[n % 2] for n in rows]})
        beside.write_parquet(folder / f"predictions-{part}.private.parquet")
    return ws


def test_what_is_kept_apart_comes_in_the_order_that_is_asked_for(logged):
    found = apart(logged, pl.Series(["id4", "id0", "other", "id3"]), ["gender", SUBJECT, "town"])
    assert found["gender"].to_list() == ["f", "f", None, "m"]
    assert found[SUBJECT].to_list() == ["token0", "token0", None, "token1"]
    assert found["town"].to_list() == [None] * 4


def test_files_without_any_of_the_rows_and_a_log_that_keeps_nothing_give_nothing(logged, project, tmp_path):
    assert apart(logged, pl.Series(["nobody"]), ["gender"])["gender"].to_list() == [None]
    assert apart(logged, pl.Series([], dtype=pl.String), ["gender"]).height == 0


def test_rows_of_the_log_know_their_ids_and_private_columns_never_become_inputs(logged, orders):
    ws = logged
    known = take(ws, now=orders["at"].max() + timedelta(days=30)).schema
    answered = pl.DataFrame(
        {
            "id": ["id0", "id1", "id3"],
            "key": ["[0]", "[1]", "[3]"],
            "label": ["true", None, "false"],
            "input.order": [0, 1, 3],
            "input.at": orders["at"].head(3),
            "input.amount": [1.0, 2.0, 3.0],
        }
    )
    rows = as_rows(ws, answered, known, (False, True))
    assert rows.ids.to_list() == ["id0", "id3"]
    assert rows.truth.tolist() == [1.0, 0.0]
    assert set(rows.frame.columns) == {"order", "at", "amount", "bad"}
    timeless = type(known)(known.columns, known.target, None, known.key)
    alone = as_rows(ws, answered.with_columns(label=pl.lit("true")), timeless, (False, True))
    assert alone.subject[0] != alone.subject[1] == alone.subject[2]
    assert log.values_of(answered["label"]).to_list() == [True, None, False]
