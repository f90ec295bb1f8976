from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from keepfit.loop.rows import Rows, beside, clusters, known_rows
from keepfit.loop.take import take

TIMELESS = """\
[problem]
name = "orders"
target = "bad"
key = ["order"]

[data]
source = "orders.parquet"

[columns]
at = { ignore = true }
member = { subject = true }
gender = { protected = true }
email = { personal = true }
town = { personal = true, keep = true }
"""


@pytest.fixture
def now(orders):
    return orders["at"].max() + timedelta(days=30)


def test_private_columns_stand_beside_the_rows_that_they_belong_to(project, orders, now):
    ws = project(orders.with_columns(bad=pl.when(pl.col("order") % 4 > 0).then("bad")))
    taken = take(ws, now=now)
    rows = known_rows(ws, [taken], taken.schema, (False, True))
    assert rows.count == 30
    assert not {"gender", "town", "member"} & set(rows.frame.columns)
    some = rows.where(rows.truth == 1)
    found = beside(ws, [taken], taken.schema, some, ["gender", "amount"])
    theirs = orders.join(some.frame.select("order"), on="order", how="semi").sort("order")
    order = some.frame["order"].arg_sort()
    assert found["gender"][order].to_list() == theirs["gender"].to_list()
    assert found["amount"][order].to_list() == theirs["amount"].to_list()


def test_rows_of_one_subject_belong_together_where_there_is_no_time(project, orders, now):
    ws = project(orders.with_columns(member=pl.when(pl.col("order") != 3).then("member")), TIMELESS)
    taken = take(ws, now=now)
    rows = known_rows(ws, [taken], taken.schema, (False, True))
    found = clusters(rows.frame, taken.schema, rows.subject)
    assert (found.unit, found.count) == ("subject", 8)
    by_order = dict(zip(rows.frame["order"], found.of_row, strict=True))
    for one, other in ((0, 7), (1, 8), (6, 13)):
        assert by_order[one] == by_order[other]
    assert [order for order, cluster in by_order.items() if cluster == by_order[3]] == [3]


def test_days_make_the_clusters_where_there_is_time_and_nothing_else_does(project, now):
    ws = project()
    taken = take(ws, now=now)
    rows = known_rows(ws, [taken], taken.schema, (False, True))
    assert rows.subject is None
    found = clusters(rows.frame, taken.schema, rows.subject)
    assert (found.unit, found.count) == ("day", 10)
    assert np.bincount(found.of_row).tolist() == [4] * 10


def test_rows_that_stand_alone_are_summed_in_at_most_a_thousand_clusters(project, now):
    taken = take(project(), now=now)
    known = taken.schema
    alone = type(known)(known.columns, known.target, None, known.key)
    for rows, count in ((7, 7), (2500, 1000)):
        found = clusters(Rows(pl.DataFrame({"a": range(rows)}), np.zeros(rows)).frame, alone)
        assert (found.unit, found.count) == ("key", count)
        assert np.unique(found.of_row).size == count
