"""`keepfit init` on tables that nobody has described: a project file that runs at once, or a clear reason why not."""

from __future__ import annotations

import json
import os
import pty
import sys
import tomllib

import polars as pl
import pytest


@pytest.fixture
def folder(tmp_path, table):
    table(40).with_columns(mail=pl.format("p{}@example.org", pl.col("number") % 50)).write_csv(tmp_path / "rows.csv")
    return tmp_path


def written(folder):
    return tomllib.loads((folder / "keepfit.toml").read_text())


def test_a_table_becomes_a_project_that_runs_at_once(keepfit, folder):
    done = keepfit("init", "rows.csv", "--yes", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "1,320 rows, 6 columns, 2024-01-01 to" in done.stdout
    assert done.stdout.rstrip().endswith("Next: keepfit run")
    problem = written(folder)["problem"]
    assert (problem["target"], problem["positive"], problem["time"], problem["key"]) == ("bad", True, "when", ["number"])
    assert written(folder)["columns"] == {"mail": {"personal": True}}
    ran = keepfit("run", "-C", folder, "--now", "2024-03-04T00:00Z", "--set", "model.trials=0")
    assert ran.returncode == 0, ran.stderr
    assert "r1 is champion" in ran.stdout


def test_what_options_say_is_written_and_the_proposal_is_a_record(keepfit, folder):
    options = ["--target", "amount", "--time", "", "--key", "number,when", "--name", "sizes", "--json"]
    done = keepfit("init", "-C", folder, *options, cwd=folder)
    assert done.returncode == 0, done.stderr
    proposal = json.loads(done.stdout)
    assert (proposal["record"], proposal["task"], proposal["time"]) == ("proposal", "regression", None)
    assert written(folder)["problem"]["key"] == ["number", "when"]
    assert written(folder)["problem"]["name"] == "sizes"


def test_without_a_terminal_nothing_is_guessed_unless_that_was_asked_for(keepfit, folder):
    done = keepfit("init", "rows.csv", cwd=folder)
    assert (done.returncode, done.stdout) == (3, "")
    assert "KF107" in done.stderr
    assert "'bad'" in done.stderr
    assert not (folder / "keepfit.toml").exists()


def test_a_project_file_is_never_lost(keepfit, folder):
    (folder / "keepfit.toml").write_text("# mine\n")
    done = keepfit("init", "rows.csv", "--yes", cwd=folder)
    assert done.returncode == 3
    assert "KF106" in done.stderr
    assert (folder / "keepfit.toml").read_text() == "# mine\n"
    assert keepfit("init", "rows.csv", "--yes", "--force", cwd=folder).returncode == 0
    assert (folder / "keepfit.toml.before").read_text() == "# mine\n"
    assert written(folder)["problem"]["target"] == "bad"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], "KF107", "2 tables here: other.csv, rows.csv"),
        (["none.csv", "--yes"], "KF201", "is not there"),
        (["rows.csv", "--target", "bda"], "KF104", "did you mean 'bad'?"),
        (["rows.csv", "--yes", "--name", "Not A Name"], "KF110", "small letters"),
        (["rows.csv", "--yes", "--label-delay", "1 month"], "KF131", "is not a duration"),
        (["rows.csv", "--yes", "--value", "much"], "KF131", "two numbers"),
        (["rows.csv", "--yes", "--set", "model.trials=1"], "KF131", "no --set"),
        (["other.csv", "--yes"], "KF107", "--target"),
        (["postgresql://me:secret@db/t"], "KF123", "${NAME}"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(keepfit, folder, arguments, code, says):
    (folder / "other.csv").write_text("when\n2024-01-01\n2024-01-02\n")
    done = keepfit("init", *arguments, cwd=folder)
    assert done.returncode == 3, done.stdout
    assert code in done.stderr
    assert says in done.stderr
    assert "secret" not in done.stderr
    assert not (folder / "keepfit.toml").exists()


def talk(arguments, folder, variables, answers):
    """A session on a terminal: each answer is typed when a question waits. Gives what was shown and the exit status."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execvpe(arguments[0], arguments, variables | {"TERM": "dumb"})
    shown, typed = "", 0
    while True:
        try:
            data = os.read(terminal, 4096)
        except OSError:  # the other end is closed
            break
        if not data:
            break
        shown += data.decode()
        if typed < len(answers) and shown.count("?") > typed and shown.endswith(": "):
            os.write(terminal, f"{answers[typed]}\n".encode())
            shown += "\n"
            typed += 1
    _, status = os.waitpid(process, 0)
    os.close(terminal)
    return shown, os.waitstatus_to_exitcode(status), typed


def test_on_a_terminal_at_most_six_questions_are_asked_and_bad_answers_are_asked_again(folder, variables):
    answers = ["bda", "bad", "", "", "two days", "2d", "", "12, -3"]
    shown, code, typed = talk([sys.executable, "-m", "keepfit", "init", "rows.csv"], folder, variables, answers)
    assert (code, typed) == (0, len(answers)), shown
    questions = {line.split("?")[0] for line in shown.splitlines() if "? " in line and ("[" in line or "Enter to skip" in line)}
    assert len(questions) <= 6, questions
    assert "no column 'bda'" in shown
    problem = written(folder)["problem"]
    assert problem["label_delay"] == "2d"
    assert problem["value"] == {"true_positive": 12, "false_positive": -3}
