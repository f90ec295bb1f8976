"""`keepfit score`: a whole table at once, in the log as well."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

import keepfit as library
from keepfit.errors import BadArgument, SchemaBroken
from keepfit.loop.score import Target
from keepfit.loop.score import score as score_table
from keepfit.workspace import open_source

NOW = datetime(2024, 3, 5, tzinfo=UTC)


@pytest.fixture
def tomorrow(champion, table):
    """A table of rows whose outcome nobody knows."""
    rows = table(3, seed=7).drop("bad")
    rows.write_parquet(champion / "tomorrow.parquet")
    rows.write_csv(champion / "tomorrow.csv")
    return rows


def scored(champion, table, output, *, into=None, there="refuse", query=None, keep=True):
    """The same in this process."""
    with library.open(champion) as project:
        source = open_source(str(table), folder=champion, at="TABLE", query=query)
        return score_table(project.workspace, source, Target(str(output), into, there), now=NOW, keep=keep)


def score(keepfit, champion, *arguments):
    done = keepfit("score", "-C", champion, "--now", "2024-03-05T00:00Z", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_row_is_scored_as_the_server_would_and_kept_once(keepfit, champion, tomorrow, serve):
    for _ in range(2):
        said = score(keepfit, champion, champion / "tomorrow.parquet", "-o", champion / "out.parquet")
    assert (said["rows"], said["release"], said["logged"]) == (tomorrow.height, "r1", True)
    out = pl.read_parquet(champion / "out.parquet")
    assert out.select(tomorrow.columns).equals(tomorrow)
    log = library.open(champion).predictions()
    assert log.height == tomorrow.height
    assert set(log["via"]) == {"batch"}
    row = tomorrow.with_columns(pl.col("when").dt.to_string("iso:strict").alias("when")).row(5, named=True)
    with serve(champion) as server:
        answer = server.post("/v1/predict", {"rows": [row]}).json()["predictions"][0]
    assert answer["score"] == pytest.approx(out["score"][5], abs=1e-12)
    assert (answer["prediction"], answer["decision"]) == (out["prediction"][5], out["decision"][5])


def test_a_csv_gives_the_same_scores_and_the_log_may_be_left_out(keepfit, champion, tomorrow):
    score(keepfit, champion, champion / "tomorrow.parquet", "-o", champion / "a.parquet", "--no-log")
    score(keepfit, champion, champion / "tomorrow.csv", "-o", champion / "b.csv", "--no-log")
    assert pl.read_parquet(champion / "a.parquet")["score"].to_list() == pl.read_csv(champion / "b.csv")["score"].to_list()
    assert library.open(champion).predictions().height == 0


def test_a_table_that_lacks_a_column_or_holds_another_type_is_refused_and_nothing_is_written(keepfit, champion, tomorrow):
    tomorrow.drop("shop").write_parquet(champion / "less.parquet")
    tomorrow.with_columns(amount=pl.lit("much")).write_parquet(champion / "other.parquet")
    for name, code in (("less", "KF104"), ("other", "KF208")):
        done = keepfit("score", "-C", champion, champion / f"{name}.parquet", "-o", champion / "never.parquet")
        assert done.returncode == 3
        assert code in done.stderr
        assert "much" not in done.stderr
    assert not (champion / "never.parquet").exists()
    assert library.open(champion).predictions().height == 0


def test_scores_go_to_a_table_of_a_database_and_come_from_a_query(champion, tomorrow):
    url = f"sqlite:///{champion / 'scores.db'}"
    source = champion / "tomorrow.parquet"
    assert scored(champion, source, url, into="scores").output == f"{url} scores"
    with pytest.raises(BadArgument, match="the table 'scores' is there already"):
        scored(champion, source, url, into="scores", keep=False)
    for there in ("append", "replace"):
        scored(champion, source, url, into="scores", there=there)
    with closing(sqlite3.connect(champion / "scores.db")) as connection:
        rows = connection.execute('SELECT number, "when", score, decision FROM scores ORDER BY number').fetchall()
    scored(champion, source, champion / "out.parquet")
    out = pl.read_parquet(champion / "out.parquet")
    assert [row[0] for row in rows] == tomorrow["number"].to_list()
    assert [row[2] for row in rows] == out["score"].to_list()
    assert [bool(row[3]) for row in rows] == out["decision"].to_list()
    query = 'SELECT number, "when", amount, shop FROM scores ORDER BY number'
    for _ in range(2):  # the same rows again add nothing to the log
        scored(champion, url, champion / "from.parquet", query=query)
    assert pl.read_parquet(champion / "from.parquet")["score"].to_list() == out["score"].to_list()
    assert library.open(champion).predictions().height == 2 * tomorrow.height


def test_scores_of_many_files_or_of_a_function_are_those_of_one_file(champion, tomorrow, tmp_path, monkeypatch):
    (tmp_path / "days").mkdir()
    tomorrow.head(40).write_parquet(tmp_path / "days" / "1.parquet")
    tomorrow.slice(40).write_parquet(tmp_path / "days" / "2.parquet")
    (champion / "rows_of_tomorrow.py").write_text("import polars\n\ndef now():\n    return polars.read_parquet('tomorrow.parquet')\n")
    monkeypatch.chdir(champion)
    monkeypatch.setattr(sys, "path", [*sys.path])
    outs = []
    for source in (tmp_path / "days", tmp_path / "days" / "*.parquet", "rows_of_tomorrow:now", champion / "tomorrow.parquet"):
        scored(champion, source, tmp_path / "o.csv", keep=False)
        outs.append((tmp_path / "o.csv").read_text())
    assert len(set(outs)) == 1


def test_a_row_that_does_not_fit_far_down_the_table_is_named_and_nothing_is_written(champion, tomorrow):
    many = pl.concat([tomorrow.select("number", "when", "amount", "shop")] * 2100)
    place = 201_003
    amount = pl.when(pl.int_range(pl.len()) == place).then(pl.lit("secret")).otherwise(pl.col("amount").cast(pl.String)).alias("amount")
    many.with_columns(amount).write_parquet(champion / "many.parquet")
    with pytest.raises(SchemaBroken) as caught:
        scored(champion, champion / "many.parquet", champion / "never.csv", keep=False)
    assert caught.value.at == f"row {place + 1}"
    assert "secret" not in str(caught.value)
    assert not list(champion.glob("*never*"))


def test_a_table_without_rows_gives_scores_without_rows(champion, tomorrow):
    tomorrow.clear().write_parquet(champion / "none.parquet")
    assert scored(champion, champion / "none.parquet", champion / "none.scored.parquet").rows == 0
    out = pl.read_parquet(champion / "none.scored.parquet")
    assert (out.height, out.columns[-3:]) == (0, ["score", "prediction", "decision"])


def test_the_command_line_asks_for_what_it_needs(keepfit, champion, tomorrow, tmp_path):
    (tmp_path / "days").mkdir()
    for arguments, said in (
        ((tmp_path / "days",), "--output"),
        ((champion / "tomorrow.parquet", "-o", "sqlite:///x.db"), "--into"),
        ((champion / "tomorrow.parquet", "-o", "s3://bucket/x", "--into", "t"), "KF120"),
    ):
        done = keepfit("score", "-C", champion, *arguments)
        assert (done.returncode, said in done.stderr) == (3, True), done.stderr


def test_a_password_on_the_command_line_is_refused_and_one_by_name_is_not_repeated(keepfit, champion, tomorrow):
    literal = keepfit("score", "-C", champion, champion / "tomorrow.parquet", "-o", "postgresql://me:hunter2@127.0.0.1:1/x", "--into", "s")
    assert (literal.returncode, "KF123" in literal.stderr) == (3, True)
    url = "postgresql://me:${KF_TEST_PASSWORD}@127.0.0.1:1/x"
    named = keepfit("score", "-C", champion, champion / "tomorrow.parquet", "-o", url, "--into", "s", env={"KF_TEST_PASSWORD": "hunter2"})
    assert named.returncode == 4
    assert "KF320" in named.stderr
    assert "hunter2" not in literal.stdout + literal.stderr + named.stdout + named.stderr


def test_killed_in_the_middle_it_leaves_no_scores_and_again_it_doubles_nothing(champion, tomorrow, started, until):
    many = pl.concat([tomorrow] * 8100)
    many.write_parquet(champion / "many.parquet")
    folder = champion / ".keepfit" / "tables" / "predictions"
    process = started("score", "-C", champion, champion / "many.parquet", "-o", champion / "out.parquet", "--now", "2024-03-05T00:00Z")
    until(lambda: list(folder.glob("*.parquet")))
    process.kill()
    process.wait()
    assert not (champion / "out.parquet").exists()
    logged = len(list(folder.glob("*.parquet")))
    assert 0 < logged < 5
    scored(champion, champion / "many.parquet", champion / "out.parquet")
    files = sorted(folder.glob("*.parquet"))
    assert pl.read_parquet(champion / "out.parquet").height == many.height
    assert pl.scan_parquet(files).select(pl.col("id").n_unique(), rows=pl.len()).collect().row(0) == (many.height, many.height)


def test_a_disk_that_is_full_is_said_and_nothing_half_written_stays(champion, tomorrow, on_a_disk):
    many = pl.concat([tomorrow] * 3000).with_columns(more=np.random.default_rng(1).normal(size=3000 * tomorrow.height))
    many.write_parquet(champion / "many.parquet", compression="uncompressed")
    taken = sum(path.stat().st_size for path in champion.rglob("*") if path.is_file()) // 1024
    lines = on_a_disk(
        """
        $KEEPFIT score -C $DISK/p $DISK/p/many.parquet -o $DISK/p/out.parquet --no-log 2>&1 >/dev/null | grep KF; echo ${PIPESTATUS[0]}
        ls -A $DISK/p | grep out.parquet
        true
        """,
        size=f"{taken + 700}k",
        folder=champion,
    )
    assert lines == ["KF301: cannot write: the disk is full", "4"]
