"""A run beside a champion that knows newer rows than the run can test on."""

from __future__ import annotations

import json

NOW = "2024-03-04T00:00Z"
STEADY = '\nsteady = { kind = "no_worse_than_champion", metric = "log_loss", margin = 0.005 }'


def run(keepfit, folder, *more):
    done = keepfit("run", "-C", folder, "--now", NOW, "--json", *more)
    return done.returncode, json.loads(done.stdout)


def all_knowing(keepfit, project, toml_edit):
    """A project whose champion was fitted on every row there is."""
    folder = project(edit=toml_edit)
    code, first = run(keepfit, folder, "--set", "model.final_fit=all")
    assert (code, first["released"], first["champion"]) == (0, "r1", None)
    assert keepfit("promote", "r1", "--because", "it is all we have", "-C", folder).returncode == 0
    return folder


def test_a_candidate_that_cannot_be_compared_is_undecided_where_a_gate_compares(keepfit, project):
    folder = all_knowing(keepfit, project, ("limit = 0.6 }", "limit = 0.6 }" + STEADY))
    code, again = run(keepfit, folder)
    assert code == 2
    assert {one["gate"]: one["status"] for one in again["verdict"]["outcomes"]} == {
        "good": "passed",
        "steady": "undecided",
        "better_than_baseline": "passed",
    }
    assert (again["released"], again["champion"]) == (None, "r1")


def test_a_candidate_that_cannot_be_compared_waits_in_the_shadow(keepfit, project):
    folder = all_knowing(keepfit, project, ("limit = 0.6 }", "limit = 0.6 }"))
    code, again = run(keepfit, folder)
    assert (code, again["released"], again["champion"]) == (0, "r2", "r1")
    assert json.loads(keepfit("status", "-C", folder, "--json").stdout)["challenger"] == "r2"


def test_a_candidate_from_other_settings_is_compared_on_the_same_test_rows(keepfit, project):
    folder = project(edit=("limit = 0.6 }", "limit = 0.6 }" + STEADY))
    assert run(keepfit, folder)[1]["champion"] == "r1"
    code, again = run(keepfit, folder, "--set", "model.seed=7")
    assert (code, again["champion"]) == (0, "r2")
    assert again["verdict"]["champion"] == "c1"
    assert {one["gate"]: one["status"] for one in again["verdict"]["outcomes"]}["steady"] == "passed"
