"""`keepfit lineage` and `keepfit show`: from a prediction down to the digests of the data, and up again."""

from __future__ import annotations

import json
import shutil

import pytest

from keepfit import digest
from keepfit.project import open_project


@pytest.fixture(scope="module")
def watched(answered_weeks, tmp_path_factory, run_once):
    """The project with two weeks of answers, looked at; the first window was answered by r1 and r2."""
    folder = shutil.copytree(answered_weeks, tmp_path_factory.mktemp("watched") / "project")
    assert run_once("watch", "-C", folder, "--now", "2024-03-20T00:00Z").returncode in (0, 1)  # 1: an incident was found
    return folder


def lineage(keepfit, folder, name):
    done = keepfit("lineage", name, "-C", folder, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def nodes(branches):
    for branch in branches:
        yield branch["node"]
        yield from nodes(branch["branches"])


def test_a_release_leads_down_to_the_bytes_of_its_data_and_up_to_its_windows(keepfit, watched):
    found = lineage(keepfit, watched, "champion")
    assert (found["thing"]["id"], found["thing"]["kind"]) == ("r2", "release")
    below = list(nodes(found["made_of"]))
    assert [node["kind"] for node in below][:3] == ["verdict", "candidate", "snapshot"]
    assert "rows.parquet" in [node["id"] for node in below if node["kind"] == "source"]
    parts = [node for node in below if node["kind"] == "part"]
    assert parts
    for part in parts:
        assert digest.of_file(watched / ".keepfit/tables/snapshots" / part["id"]) == part["digest"]
    assert {node["kind"] for node in nodes(found["led_to"])} == {"window"}
    assert "231 predictions" in " ".join(node["says"] for node in nodes(found["led_to"]))


def test_a_snapshot_leads_to_everything_that_learned_from_it(keepfit, watched):
    snapshot = next(node for node in nodes(lineage(keepfit, watched, "r1")["made_of"]) if node["kind"] == "snapshot")
    up = {node["id"] for node in nodes(lineage(keepfit, watched, snapshot["digest"])["led_to"])}
    assert {"c1", "r1"} <= up
    assert lineage(keepfit, watched, snapshot["id"])["thing"] == snapshot


def test_a_prediction_leads_to_the_release_that_answered_it_and_to_its_window(keepfit, watched):
    with open_project(watched) as project:
        asked = project.predictions().row(0, named=True)
    found = lineage(keepfit, watched, asked["id"])
    assert found["thing"]["kind"] == "prediction"
    assert found["made_of"][0]["node"]["id"] == asked["release"] == "r1"
    assert "candidate" in {node["kind"] for node in nodes(found["made_of"])}
    assert [node["kind"] for node in nodes(found["led_to"])] == ["window"]


def test_the_text_names_each_thing_once_and_counts_many_parts(keepfit, watched):
    done = keepfit("lineage", "r1", "-C", watched)
    assert done.returncode == 0
    assert done.stdout.startswith("r1  release 2024-03-04, champion: every gate passed")
    assert "made of" in done.stdout
    assert "more parts: --json names them all" in done.stdout


@pytest.mark.parametrize("command", ["lineage", "show"])
@pytest.mark.parametrize(("name", "fix"), [("r7", "one of c1, c2, r1, r2"), ("shadow", "keepfit status"), ("zzz", "one of"), ("99", "")])
def test_what_is_not_there_is_said_so(keepfit, watched, command, name, fix):
    done = keepfit(command, name, "-C", watched)
    assert done.returncode == 3
    assert "KF132" in done.stderr
    assert fix in done.stderr


def test_show_gives_a_thing_with_the_records_that_its_entry_names(keepfit, watched):
    def shown(name):
        done = keepfit("show", name, "-C", watched, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    assert shown("r2") == shown("champion")
    assert shown("r2")["release"]["record"] == "release"
    fit = shown("c1")
    assert all(fit[name]["record"] == name for name in ("candidate", "evaluation", "cause", "split"))
    assert shown("1")["snapshot"]["record"] == "snapshot"
    verdict = next(entry for entry in json.loads(keepfit("history", "-C", watched, "--json", "--kind", "verdict").stdout))
    assert shown(str(verdict["seq"]))["verdict"]["outcomes"][0]["status"] == "passed"
    window = json.loads(keepfit("history", "-C", watched, "--json", "--kind", "watch").stdout)[0]
    assert shown(str(window["seq"]))["window"]["record"] == "window"
