"""A project file or a table that is at fault: exit 3, the code and the place are said, and nothing changes."""

from __future__ import annotations

import json

import polars as pl
import pytest

NOW = ("--now", "2024-03-04T00:00Z")


@pytest.fixture
def refused(keepfit, state_of):
    """Runs a command that must be refused; gives its errors by code.

    Nothing has changed then, save that a snapshot is kept where the fault showed in fitting.
    """

    def call(folder, *arguments, every=False, takes=False, **options):
        before = state_of(folder)
        told = keepfit(*arguments, "-C", folder, **options)
        done = keepfit(*arguments, "-C", folder, "--json", **options)
        assert (told.returncode, done.returncode) == (3, 3), told.stderr
        after = state_of(folder)
        assert after["chain"][: len(before["chain"])] == before["chain"]
        assert [kind for _, kind, *_ in after["chain"][len(before["chain"]) :]] == ["snapshot"] * takes
        assert takes or after["lock"] == before["lock"]
        error = json.loads(done.stdout)["error"]
        found = error.get("faults", [error])
        assert all(text in told.stderr for one in found for text in (one["code"], one["message"], *one["at"].split(": ")))
        return found if every else {one["code"]: one for one in found}

    return call


def line_of(folder, word):
    """The line of a project file that holds a word, counted from 1."""
    return next(n for n, line in enumerate((folder / "keepfit.toml").read_text().splitlines(), 1) if word in line)


def test_a_source_that_is_not_there_is_named_with_its_line(refused, project):
    folder = project()
    (folder / "rows.parquet").unlink()
    error = refused(folder, "run", *NOW)["KF201"]
    assert "rows.parquet" in error["message"]
    assert "data.source" in error["at"]
    assert "keepfit.toml" in error["at"]


@pytest.mark.parametrize("kind", ["no bytes", "header only", "parquet without rows"])
def test_a_table_without_a_row_is_called_empty(refused, project, table, kind):
    folder = project() if kind == "parquet without rows" else project(edit=("rows.parquet", "rows.csv"))
    if kind == "no bytes":
        (folder / "rows.csv").write_bytes(b"")
    elif kind == "header only":
        table(1).clear().write_csv(folder / "rows.csv")
    else:
        table(1).clear().write_parquet(folder / "rows.parquet")
    assert "data.source" in refused(folder, "run", *NOW)["KF203"]["at"]


def test_a_file_that_is_no_table_is_unreadable(refused, project):
    folder = project()
    (folder / "rows.parquet").write_bytes(b"PAR1 this is not one")
    assert "rows.parquet" in refused(folder, "run", *NOW)["KF202"]["message"]


def test_a_target_with_one_value_names_its_column(refused, project, table):
    folder = project(rows=table(63).with_columns(bad=pl.lit(True)))
    assert refused(folder, "run", *NOW, takes=True)["KF204"]["at"] == "column bad"


def test_four_faults_of_a_project_file_are_reported_at_once_each_with_its_line(refused, project):
    toml = """\
[problem]
name = "small"
traget = "bad"
target = "bad"
label_delay = "7 days"

[data]
source = "rows.parquet"
timezone = "Nowhere"

[model]
seed = "one"
"""
    folder = project(toml=toml)
    for command in ("check", "run"):
        found = refused(folder, command, every=True)
        assert {(one["code"], one["at"]) for one in found} == {
            ("KF102", "keepfit.toml: line 3: problem.traget"),
            ("KF110", "keepfit.toml: line 5: problem.label_delay"),
            ("KF110", "keepfit.toml: line 9: data.timezone"),
            ("KF110", "keepfit.toml: line 12: model.seed"),
        }
        assert "did you mean 'target'?" in [one["fix"] for one in found]


def test_a_key_that_repeats_names_the_rows_and_shows_no_value(refused, project, table):
    rows = table(63)
    folder = project(rows=pl.concat([rows, rows.slice(6, 1).with_columns(amount=pl.lit(123.456))]))
    error = refused(folder, "run", *NOW)["KF205"]
    assert "rows 7, 2080" in error["message"]
    assert "problem.key" in error["at"]
    assert "123.456" not in json.dumps(error)


def test_a_gate_on_a_metric_of_another_task_is_refused_by_check_and_by_run(refused, project):
    folder = project(edit=('metric = "roc_auc"', 'metric = "rmse"'))
    for command in ("check", "run"):
        error = refused(folder, command)["KF121"]
        assert error["at"] == f"keepfit.toml: line {line_of(folder, 'metric')}: gates.good.metric"
        assert "roc_auc" in error["fix"]


def test_a_column_that_the_table_lacks_is_named_with_a_near_one(refused, project):
    folder = project(edit=("[model]", '[columns]\namuont = { known = "later" }\n\n[model]'))
    error = refused(folder, "run", *NOW)["KF104"]
    assert "columns.amuont" in error["at"]
    assert error["fix"] == "did you mean 'amount'?"


def test_a_time_column_of_text_is_no_time(refused, project, table):
    folder = project(rows=table(63).with_columns(when=pl.lit("some day")))
    assert refused(folder, "run", *NOW)["KF206"]["at"] == "keepfit.toml: line 4: problem.time"


def test_rows_without_a_time_are_counted_and_the_first_is_named(refused, project, table):
    rows = table(63).with_columns(when=pl.when(pl.col("number").is_in([4, 9])).then(None).otherwise("when"))
    error = refused(project(rows=rows), "run", *NOW)["KF206"]
    assert error["at"] == "column when"
    assert error["message"] == "2 rows without a time that can be read: rows 5, 10"


def test_too_few_rows_are_said_to_be_too_few(refused, project, table):
    assert "KF207" in refused(project(rows=table(1)), "run", *NOW, takes=True)


def test_a_password_in_a_url_is_refused_and_not_repeated(keepfit, refused, project):
    folder = project(edit=("[gates]", '[stores]\nledger = "postgresql://me:hunter2@localhost/db"\n\n[gates]'))
    error = refused(folder, "check")["KF123"]
    assert error["at"] == f"keepfit.toml: line {line_of(folder, 'ledger')}: stores.ledger"
    told = keepfit("run", "-C", folder)
    assert "hunter2" not in told.stdout + told.stderr
    assert not (folder / ".keepfit").exists()


def test_a_name_that_is_not_set_is_named_with_its_line(refused, project):
    folder = project(edit=("rows.parquet", "${KF_NO_SUCH_NAME}.parquet"))
    error = refused(folder, "run", *NOW)["KF110"]
    assert "${KF_NO_SUCH_NAME}" in error["message"]
    assert error["at"] == f"keepfit.toml: line {line_of(folder, 'source')}: data.source"


def test_a_column_that_is_gone_from_the_source_stops_the_next_run(refused, champion, table):
    table(63).drop("shop").write_parquet(champion / "rows.parquet")
    assert refused(champion, "run", *NOW)["KF208"]["at"] == "column shop"


def test_a_project_of_a_newer_format_is_left_alone(refused, champion):
    marker = champion / ".keepfit" / "format"
    marker.write_text('{"format": 2, "keepfit": "7.0"}')
    for command in ("run", "status"):
        error = refused(champion, command)["KF304"]
        assert "7.0" in error["fix"]
        assert error["at"].endswith("format")


def test_a_file_that_is_no_toml_names_the_line(refused, project):
    folder = project()
    (folder / "keepfit.toml").write_text("[problem]\nname = small\n")
    assert refused(folder, "run")["KF105"]["at"].startswith("keepfit.toml: line 2")


def test_a_folder_without_a_project_says_how_to_begin(refused, tmp_path):
    assert "keepfit demo" in refused(tmp_path, "run")["KF130"]["fix"]


def test_a_time_that_is_no_instant_is_refused(refused, project):
    error = refused(project(), "run", "--now", "yesterday")["KF131"]
    assert error["at"] == "--now"
    assert "2013-03-01T00:00Z" in error["fix"]


def test_a_command_that_is_not_there_names_a_near_one(keepfit):
    done = keepfit("rnu")
    assert done.returncode == 3
    assert "did you mean 'run'?" in done.stderr


def test_a_release_that_is_not_there_names_a_near_one(refused, champion):
    error = refused(champion, "promote", "r11", "--because", "it is better")["KF132"]
    assert error["fix"] == "did you mean 'r1'?"


def test_labels_from_a_table_without_the_key_name_what_is_missing(refused, champion, tmp_path):
    (tmp_path / "late.csv").write_text("bad\ntrue\n")
    error = refused(champion, "label", tmp_path / "late.csv")["KF104"]
    assert "number" in error["message"]


def test_a_server_without_a_champion_says_what_to_run(refused, project):
    assert refused(project(), "serve", "--port", "0")["KF401"]["fix"] == "keepfit run"


def test_many_faults_are_listed_in_the_order_of_the_file_with_place_and_remedy(keepfit, project):
    folder = project(edit=('name = "small"', 'name = "small"\ntrials = 1'))
    (folder / "keepfit.toml").write_text((folder / "keepfit.toml").read_text().replace("at_least", "at_laest"))
    done = keepfit("check", "-C", folder, "--set", 'monitor.window="a week"')
    assert done.returncode == 3
    lines = done.stderr.splitlines()
    assert lines[0] == "3 faults in keepfit.toml"
    told = [line.split() for line in lines if line.startswith("KF")]
    assert [(line[0], *line[-3:]) for line in told[:2]] == [
        ("KF102", "line", "3", "problem.trials"),
        ("KF120", "line", str(line_of(folder, "at_laest")), "gates.good.kind"),
    ]
    assert told[2][-2:] == ["option", "monitor.window"]
    assert [line.strip() for line in lines if "fix:" in line][:2] == ["fix: it belongs to [model]", "fix: did you mean 'at_least'?"]
