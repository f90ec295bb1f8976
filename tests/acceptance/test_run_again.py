"""A run beside a champion that knows newer rows than the run can test on."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

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


@pytest.mark.parametrize(("more", "says"), [((), "Nothing to do"), (("--set", "gates.good.limit=0.61"), "at least 0.61")])
def test_what_needs_no_fit_needs_no_library_that_fits(champion, more, says):
    """Unchanged settings, or only a gate's limit: the sixth of a second that NumPy and SciPy take to import is not spent."""
    heavy = "{'numpy', 'scipy', 'polars', 'sklearn', 'lightgbm', 'optuna', 'rich'}"
    script = f"""
import sys
from keepfit.commands import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(sorted({heavy} & set(sys.modules)))
"""
    arguments = ["run", "-C", str(champion), "--now", NOW, *more]
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert says in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
