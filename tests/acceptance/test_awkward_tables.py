"""Tables as people have them: they give a model and a report, or are refused in words, and never a defect of ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import polars as pl
import pytest

import keepfit as library
from keepfit.errors import KeepfitError

NOW = datetime(2024, 3, 4, tzinfo=UTC)
QUICK = ("trials = 0", 'trials = 0\nevaluation = "quick"')
#: Names that are words of SQL, TOML, Python, JSON or of keepfit's own files, or hold what these use.
NAMES = (
    *("select", "class", "index", "id", "prediction", "label", "score", "role", "at", "keepfit id", "input.x", "output.score", "__init__"),
    *("a.b", "a b", " lead", 'say "so"', "it's", "a\nb", "{x}", "%s", "#", "[0]", "<script>alert(1)</script>", "ünï", "日本", "x" * 300),
)


def run(folder, *, report=True):
    """Take, fit, judge, and where there is a champion score the same table and answer its rows one by one; the run and the report."""
    with library.open(folder) as project:
        done = project.run(now=NOW)
        page = project.report(done.released or done.candidate.id)._repr_html_() if report else ""
        assert not project.run(now=NOW).changed
    return done, page


def csv_project(project, frame, **options):
    folder = project(edit=("rows.parquet", "rows.csv"), **options)
    frame.write_csv(folder / "rows.csv")
    return folder


def test_columns_that_hold_nothing_or_always_the_same_teach_nothing(project, table):
    frame = table(63).with_columns(
        nothing=pl.lit(None),
        no_number=pl.lit(None, dtype=pl.Float64),
        constant=pl.lit(3),
        same=pl.lit("same"),
        nan=pl.lit(float("nan")),
        infinite=pl.lit(float("inf")),
        rare=pl.when(pl.col("number") < 5).then(1.0),
        huge=pl.lit(1e308) * pl.col("amount"),
        tiny=pl.lit(5e-324),
    )
    done, _ = run(project(rows=frame))
    assert done.verdict.status == "passed"
    assert {one.column for one in done.inspection.suspicions if one.kind in ("constant", "empty")} >= {"nothing", "constant", "same"}


def test_columns_may_be_called_whatever_they_are_called(project, table, tmp_path):
    draw = np.random.default_rng(3)
    frame = table(63)
    frame = frame.with_columns([pl.Series(name, draw.normal(size=frame.height)) for name in NAMES])
    folder = project(rows=frame)
    done, page = run(folder)
    assert done.champion == "r1"
    assert "<script>alert(1)" not in page
    with library.open(folder) as opened:
        scored = opened.score(folder / "rows.parquet", tmp_path / "out.parquet", now=NOW)
        assert scored.rows == frame.height
        rows = frame.drop("bad").head(20).to_dicts()
        answers = [one["score"] for one in opened.predict(rows)]
        written = pl.read_parquet(tmp_path / "out.parquet")
        assert set(frame.columns) <= set(written.columns)
        assert written["score"].equals(frame["score"])
        assert np.allclose(written["keepfit_score"].head(20).to_numpy(), answers, rtol=1e-12, atol=0)
        assert opened.predictions()["key"].n_unique() == frame.height


def test_types_that_are_mixed_in_a_column_are_names_and_said_so(project, table):
    frame = table(63)
    count = frame.height
    mixed = [str(row) if row % 20 else "n/a" for row in range(count)]
    odd = [("1", "2.5", "x", "true", None)[row % 5] for row in range(count)]
    done, _ = run(csv_project(project, frame.with_columns(mixed=pl.Series(mixed), odd=pl.Series(odd))))
    assert done.verdict.status == "passed"
    assert "mixed" in {one.column for one in done.inspection.suspicions}


def test_times_under_two_offsets_in_one_column_are_each_read_under_their_own(project, table):
    frame = table(63)
    east = timezone(timedelta(hours=9))
    texts = [when.isoformat() if row % 2 else when.astimezone(east).isoformat() for row, when in enumerate(frame["when"])]
    plain = run(project("plain", rows=frame), report=False)[0]
    done = run(csv_project(project, frame.with_columns(when=pl.Series(texts)), name="mixed"), report=False)[0]
    assert done.snapshot.rows == plain.snapshot.rows
    assert done.evaluation["log_loss"].value == pytest.approx(plain.evaluation["log_loss"].value, rel=1e-9)


def test_rows_of_the_far_future_and_of_long_ago_break_nothing(project, table):
    far, ago = datetime(9999, 12, 31, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)
    frame = table(63).with_columns(
        when=pl.when(pl.col("number") % 50 == 0).then(pl.lit(far)).when(pl.col("number") == 3).then(pl.lit(ago)).otherwise(pl.col("when")),
        other=pl.when(pl.col("number") % 2 == 0).then(pl.lit(far)).otherwise(pl.lit(ago)),
    )
    done, _ = run(project(rows=frame))
    assert done.verdict.status == "passed"
    assert done.snapshot.rows == (frame["when"] <= NOW).sum()


def test_outcomes_that_end_before_the_data_does_are_said_and_the_rest_is_learned_from(project, table):
    frame = table(63)
    late = frame["when"] > NOW - timedelta(days=14)
    done, _ = run(project(rows=frame.with_columns(bad=pl.when(~late).then(pl.col("bad")))))
    assert done.verdict.status == "passed"
    assert done.snapshot.known == (~late).sum()
    assert "tail" in {one.kind for one in done.inspection.suspicions}


def test_a_name_for_every_row_is_nothing_to_learn_by_heart(project, table):
    frame = table(63).with_columns(name=pl.format("name-{}", "number"), pair=pl.format("p{}", pl.col("number") // 2))
    done, _ = run(project(rows=frame, edit=('estimators = ["linear"]', 'estimators = ["linear", "lightgbm"]')))
    assert done.verdict.status == "passed"


def test_a_tab_a_mark_and_quotes_in_a_csv_file_are_read(project, table):
    folder = project(edit=("rows.parquet", "rows.csv"))
    frame = table(63).with_columns(note=pl.lit('said "no",\nand left'))
    (folder / "rows.csv").write_bytes(b"\xef\xbb\xbf" + frame.write_csv(separator="\t").encode())
    assert run(folder, report=False)[0].champion == "r1"


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (lambda f: f.head(1), "KF204"),
        (lambda f: f.head(40), "KF207"),
        (lambda f: f.with_columns(bad=pl.lit(None, dtype=pl.Boolean)), "KF207"),
        (lambda f: f.with_columns(bad=pl.lit(True)), "KF204"),
        (lambda f: f.with_columns(bad=pl.col("shop")), "KF209"),
        (lambda f: f.with_columns(when=pl.lit(datetime(2024, 1, 1, tzinfo=UTC))), "KF207"),
        (lambda f: f.with_columns(many=pl.lit([1, 2])), "KF202"),
        (lambda f: f.with_columns(u=pl.lit(2**64 - 1, dtype=pl.UInt64)), "KF202"),
        (lambda f: f.with_columns(number=pl.col("number") // 2), "KF205"),
    ],
    ids=["one row", "few", "no outcome", "one outcome", "three outcomes", "one instant", "lists", "64 bits", "a key twice"],
)
def test_what_cannot_be_learned_from_is_refused_with_what_to_do(project, table, rows, code):
    with library.open(project(rows=rows(table(63)), edit=QUICK)) as opened, pytest.raises(KeepfitError) as caught:
        opened.run(now=NOW)
    assert (caught.value.code, caught.value.exit_code) == (code, 3)
    assert caught.value.fix
