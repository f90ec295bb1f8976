"""`keepfit score`: a whole table at once, in the log as well."""

from __future__ import annotations

import json

import polars as pl
import pytest

import keepfit as library


@pytest.fixture
def tomorrow(champion, table):
    """A table of rows whose outcome nobody knows."""
    rows = table(3, seed=7).drop("bad")
    rows.write_parquet(champion / "tomorrow.parquet")
    rows.write_csv(champion / "tomorrow.csv")
    return rows


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
