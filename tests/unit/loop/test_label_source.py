"""Labels from the source that the project names: what is new and known by now, once, and without undoing a person's word."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from keepfit.errors import BadArgument, BadTime, LiteralPassword, MissingSource, UnknownColumn
from keepfit.label import Label
from keepfit.loop import log
from keepfit.loop.label import label, label_from_source
from keepfit.loop.take import take
from keepfit.loop.turn import turn
from keepfit.record import text
from keepfit.stores.segments import write_sealed

NOW = datetime(2024, 2, 1, tzinfo=UTC)
DAY = timedelta(days=1)
LABELS = '\n[labels]\nsource = "truth.csv"\n'


@pytest.fixture
def named(project, project_text):
    """A project that has taken its data and names a source of labels."""

    def make(labels=LABELS):
        ws = project(text=project_text + labels)
        take(ws, now=NOW)
        return ws

    return make


def told(ws, now=NOW):
    """What is known of each key."""
    found = log.labels(ws, now=now).sort("received_at", maintain_order=True)
    return dict(zip(found["key"], found["value"], strict=True))


def write(ws, rows):
    (ws.folder / "truth.csv").write_text("order,bad\n" + rows)


def test_what_is_new_is_taken_once(named):
    ws = named()
    write(ws, "1,true\n2,false\n3,\n")
    assert label_from_source(ws, now=NOW) == (2, 2)
    assert told(ws) == {"[1]": "true", "[2]": "false"}
    write(ws, "1,true\n2,true\n3,true\n")
    assert label_from_source(ws, now=NOW + DAY) == (3, 2)
    assert label_from_source(ws, now=NOW + 2 * DAY)[1] == 0
    assert told(ws, NOW + DAY) == {"[1]": "true", "[2]": "true", "[3]": "true"}


def test_of_several_labels_of_one_row_the_last_counts_and_reading_them_again_changes_nothing(named):
    ws = named()
    write(ws, "1,true\n1,false\n")
    assert label_from_source(ws, now=NOW)[1] == 1
    write(ws, "1,true\n1,false\n2,true\n")
    assert label_from_source(ws, now=NOW + DAY)[1] == 1
    assert told(ws, NOW + DAY)["[1]"] == "false"


def test_files_that_are_as_they_were_are_not_read_again(named, monkeypatch):
    ws = named()
    write(ws, "1,true\n")
    old = 1_700_000_000

    os.utime(ws.folder / "truth.csv", (old, old))
    assert label_from_source(ws, now=NOW) == (1, 1)
    monkeypatch.setattr(pl, "scan_csv", None)
    assert label_from_source(ws, now=NOW + DAY) == (0, 0)


def test_a_label_is_taken_when_it_has_become_known(named):
    ws = named(LABELS + 'time = "known"\nvalue = "outcome"\n')
    (ws.folder / "truth.csv").write_text("order,known,outcome\n1,2024-01-30,true\n2,2024-02-05,true\n3,,true\n1,2024-02-09,false\n")
    assert label_from_source(ws, now=NOW) == (1, 1)
    assert told(ws) == {"[1]": "true"}
    assert label_from_source(ws, now=NOW + 5 * DAY)[1] == 1
    assert label_from_source(ws, now=NOW + 20 * DAY)[1] == 1
    assert told(ws, NOW + 20 * DAY) == {"[1]": "false", "[2]": "true"}
    observed = log.labels(ws, now=NOW)["observed_at"].to_list()
    assert observed == [datetime(2024, 1, 30, tzinfo=UTC)]


def test_what_a_person_corrected_stays_until_the_source_says_something_new(named):
    ws = named()
    write(ws, "1,true\n")
    label_from_source(ws, now=NOW)
    corrected = Label(None, "[1]", "bad", False, "person", "anna", None, NOW + DAY)
    write_sealed(ws.segments, "labels-corrected", [text(corrected).encode()])
    write(ws, "1,true\n2,true\n")
    assert label_from_source(ws, now=NOW + 2 * DAY)[1] == 1
    assert told(ws, NOW + 2 * DAY)["[1]"] == "false"
    table = ws.folder / "mine.csv"
    table.write_text("order,bad\n1,true\n")
    assert label(ws, table, now=NOW + 3 * DAY) == (1, 1)  # who names a table means what is in it


def test_a_database_without_truth_values_says_0_and_1(named):
    ws = named('\n[labels]\nsource = "sqlite:///truth.db"\nquery = "SELECT number AS \\"order\\", late AS bad FROM said"\n')
    with closing(sqlite3.connect(ws.folder / "truth.db")) as connection, connection:
        connection.execute("CREATE TABLE said AS SELECT 4 AS number, 1 AS late UNION SELECT 5, 0")
    assert label_from_source(ws, now=NOW) == (2, 2)
    assert told(ws) == {"[4]": "true", "[5]": "false"}
    assert label_from_source(ws, now=NOW + DAY)[1] == 0


def test_every_turn_takes_them(named):
    ws = named()
    write(ws, "1,true\n")
    turn(ws, now=NOW)
    assert told(ws) == {"[1]": "true"}


def test_a_replay_brings_its_own_labels(named, tmp_path):
    ws = named()
    write(ws, "1,true\n")
    apart = ws.elsewhere(tmp_path / "apart", tmp_path / "common", {}, stand_in=ws.folder / "orders.parquet")
    apart.prepare()
    turn(apart, now=NOW)
    assert told(apart) == {}


def test_a_table_without_rows_and_a_project_without_data_have_nothing_to_take(named, project, project_text):
    ws = named()
    write(ws, "")
    assert label_from_source(ws, now=NOW) == (0, 0)
    (ws.folder / "truth.csv").unlink()
    with pytest.raises(MissingSource) as caught:
        label_from_source(ws, now=NOW)
    assert "labels.source" in caught.value.at


def test_before_the_first_take_nothing_is_asked_of_the_source(project, project_text):
    assert label_from_source(project(text=project_text + LABELS), now=NOW) == (0, 0)


@pytest.mark.parametrize(
    ("labels", "table", "error"),
    [
        ("", None, BadArgument),
        (LABELS, "order,other\n1,true\n", UnknownColumn),
        (LABELS, "bad\ntrue\n", UnknownColumn),
        (LABELS + 'time = "known"\n', "order,bad,known\n1,true,soon\n", BadTime),
        (LABELS + 'time = "known"\n', "order,bad\n1,true\n", UnknownColumn),
    ],
)
def test_what_cannot_be_taken_is_refused_with_a_remedy(named, labels, table, error):
    ws = named(labels)
    if table is not None:
        (ws.folder / "truth.csv").write_text(table)
    with pytest.raises(error) as caught:
        label_from_source(ws, now=NOW)
    assert caught.value.fix
    assert told(ws) == {}


def test_a_source_that_nothing_reads_or_with_a_password_is_a_fault_of_the_file(project, project_text):
    ws = project(text=project_text + '\n[labels]\nsource = "truth.xls"\n')
    with pytest.raises(Exception, match=r"nothing is known to read 'truth.xls'") as caught:
        ws.check()
    assert "labels.source" in caught.value.faults[0].at
    with pytest.raises(Exception, match=r"password") as caught:
        project(text=project_text + '\n[labels]\nsource = "postgresql://me:hush@db/x"\ntable = "t"\n')
    assert isinstance(caught.value.faults[0], LiteralPassword)
    assert "hush" not in str(caught.value)
