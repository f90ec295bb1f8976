"""Every exit code that the documentation promises, driven by the real command line."""

from __future__ import annotations

import json
import os
import signal
import socket

import pytest

NOW = "2024-03-04T00:00Z"
HOLDS = 'metric = "roc_auc", limit = 0.6'


def test_a_run_whose_gates_pass_ends_with_0(keepfit, project):
    done = keepfit("run", "-C", project(), "--now", NOW)
    assert done.returncode == 0
    assert "r1 is champion" in done.stdout


@pytest.mark.parametrize(("limit", "code", "word"), [("0.99", 1, "failed"), (None, 2, "undecided")])
def test_a_run_whose_gate_does_not_pass_ends_with_1_or_2_and_releases_nothing(keepfit, project, finished_run, limit, code, word):
    if limit is None:  # what was measured: the interval lies on both sides of it
        measured = json.loads(keepfit("show", "c1", "-C", finished_run, "--json").stdout)["evaluation"]["metrics"]["roc_auc"]
        limit = measured["value"]
    folder = project(edit=(HOLDS, f'metric = "roc_auc", limit = {limit}'))
    for _ in range(2):  # asked again, the answer is the same
        done = keepfit("run", "-C", folder, "--now", NOW)
        assert done.returncode == code
    done = keepfit("run", "-C", folder, "--now", NOW, "--json")
    assert json.loads(done.stdout)["verdict"]["outcomes"][0]["status"] == word
    assert json.loads(keepfit("status", "-C", folder, "--json").stdout)["champion"] is None


def test_a_ledger_that_is_no_database_ends_with_4(keepfit, champion):
    (champion / ".keepfit/ledger.sqlite").write_bytes(b"this was a ledger once" * 500)
    for command in (("run", "--now", NOW), ("status",), ("turn",), ("ledger", "verify")):
        done = keepfit(*command, "-C", champion)
        assert done.returncode == 4, command
        assert "KF310" in done.stderr


def test_a_ledger_server_that_does_not_answer_ends_with_4_and_prints_no_password(keepfit, project):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"postgresql://me:${{KF_PASSWORD}}@127.0.0.1:{listener.getsockname()[1]}/none"
    folder = project(edit=("[refit]", f'[stores]\nledger = "{url}"\n\n[refit]'))
    done = keepfit("run", "-C", folder, "--now", NOW, env={"KF_PASSWORD": "cobalt-lemur-47"})
    assert done.returncode == 4
    assert "KF310" in done.stderr
    assert "lemur" not in done.stdout + done.stderr


def test_a_port_that_is_taken_ends_with_4(keepfit, champion):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        done = keepfit("serve", "-C", champion, "--port", str(listener.getsockname()[1]))
    assert done.returncode == 4
    assert "KF404" in done.stderr
    assert "--port 0" in done.stderr


def test_a_run_that_is_interrupted_ends_with_130_and_the_next_one_finishes(started, keepfit, project):
    folder = project()
    process = started("run", "-C", folder, "--now", NOW)
    assert process.stderr.readline() == "taking the data\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    assert "Traceback" not in process.stderr.read()
    assert keepfit("run", "-C", folder, "--now", NOW).returncode == 0
    assert keepfit("ledger", "verify", "-C", folder).returncode == 0


def test_a_server_that_is_interrupted_ends_well_and_seals_its_log(champion, serve, request_rows, table):
    with serve(champion) as server:
        assert server.post("/v1/predict", {"rows": request_rows(table(1).drop("bad").head(1))}).status_code == 200
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(timeout=60) == 0
    assert list(champion.glob(".keepfit/segments/open/*")) == []
    assert len(list(champion.glob(".keepfit/segments/sealed/predictions-*"))) == 1


def test_output_that_nobody_reads_is_no_defect(started, champion):
    read, write = os.pipe()
    os.close(read)
    process = started("history", "-C", champion, "--json", pipe=write)
    os.close(write)
    assert process.wait(timeout=60) in {0, 141}
    assert "Traceback" not in process.stderr.read()


def test_a_password_of_the_environment_is_in_no_byte_that_is_written_or_printed(keepfit, project, serve, request_rows, table):
    secret = "cobalt-lemur-47"
    folder = project(edit=("rows.parquet", "${KF_SECRET}.parquet"))
    (folder / "rows.parquet").rename(folder / f"{secret}.parquet")
    said = []
    for command in (("run", "--now", NOW), ("run", "--now", NOW, "--json"), ("status",), ("history", "--json"), ("show", "c1"), ("turn",)):
        done = keepfit(*command, "-C", folder, env={"KF_SECRET": secret})
        assert done.returncode == 0, done.stderr
        said += [done.stdout, done.stderr]
    (folder / f"{secret}.parquet").unlink()
    done = keepfit("run", "-C", folder, "--now", NOW, env={"KF_SECRET": secret})
    assert done.returncode == 3
    said += [done.stdout, done.stderr]
    assert [text for text in said if secret in text] == []
    found = [path for path in folder.rglob("*") if secret in path.name or (path.is_file() and secret.encode() in path.read_bytes())]
    assert found == []


def test_colour_is_for_terminals_unless_the_environment_says_otherwise(champion, keepfit):
    plain = keepfit("status", "-C", champion, env={"NO_COLOR": ""}).stdout
    assert "\x1b[" not in plain
    assert "\x1b[1m" in keepfit("status", "-C", champion, env={"NO_COLOR": "", "FORCE_COLOR": "1"}).stdout
    assert keepfit("status", "-C", champion, env={"NO_COLOR": "1", "FORCE_COLOR": "1"}).stdout == plain
