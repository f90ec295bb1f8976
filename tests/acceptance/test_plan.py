"""`keepfit plan`: what a run would do and why, and that a run then does just that."""

from __future__ import annotations

import json

import pytest

NOW = ("--now", "2024-03-04T00:00Z")


@pytest.fixture
def plan(keepfit, state_of):
    """The plan of a project as a record; nothing is written while it is made."""

    def look(folder, *more, **options):
        before = state_of(folder)
        done = keepfit("plan", "-C", folder, *NOW, "--json", *more, **options)
        assert done.returncode == 0, done.stderr
        assert state_of(folder) == before
        return json.loads(done.stdout)

    return look


def steps(found):
    return {step["name"]: step["does"] for step in found["steps"]}


def because(found, name):
    return "; ".join(next(step["because"] for step in found["steps"] if step["name"] == name))


def entries_of(keepfit, folder):
    return [one["kind"] for one in json.loads(keepfit("history", "-C", folder, "--json").stdout)]


def test_before_the_first_run_all_is_to_do_and_after_it_nothing(keepfit, project, plan):
    folder = project()
    first = plan(folder)
    assert steps(first) == {"take": "runs", "fit": "runs", "judge": "depends", "release": "depends"}
    assert first["changed"]
    assert keepfit("run", "-C", folder, *NOW).returncode == 0
    after = plan(folder)
    assert steps(after) == dict.fromkeys(("take", "fit", "judge", "release"), "unchanged")
    assert not after["changed"]
    assert after["champion"] == "r1"
    told = keepfit("plan", "-C", folder, *NOW)
    assert told.stdout.rstrip().endswith("A run would do nothing: champion r1 is up to date.")


def test_when_only_a_gate_changed_nothing_is_fitted_again(keepfit, champion, plan):
    file = champion / "keepfit.toml"
    file.write_text(
        file.read_text().replace("limit = 0.6 }", 'limit = 0.61 }\nmore = { kind = "at_least", metric = "accuracy", limit = 0.5 }')
    )
    found = plan(champion)
    assert steps(found) == {"take": "unchanged", "fit": "unchanged", "judge": "runs", "release": "depends"}
    assert because(found, "judge") == "gate 'good' changed; gate 'more' is new"
    before = entries_of(keepfit, champion)
    assert keepfit("run", "-C", champion, *NOW).returncode == 0
    assert "fit" not in entries_of(keepfit, champion)[len(before) :]


def test_a_step_that_would_run_again_names_the_input_that_differs(champion, plan, table):
    found = plan(champion, "--set", "model.seed=7")
    assert steps(found)["take"] == "unchanged"
    assert because(found, "fit") == "model.seed is 7 and was 0 (since c1)"
    found = plan(champion, "--set", "problem.label_delay=2d")
    assert because(found, "take") == "problem.label_delay is 2d and was 1d"
    table(63).write_parquet(champion / "rows.parquet", compression="gzip")
    found = plan(champion)
    assert because(found, "take") == "the files of data.source changed"
    assert (steps(found)["fit"], because(found, "fit")) == ("depends", "it runs when the rows differ")
    (champion / ".keepfit/cache.sqlite").unlink()
    assert because(plan(champion), "take") == "the cache that knows the source's files is gone"


def test_a_run_that_would_fail_is_said_to(keepfit, champion):
    (champion / "rows.parquet").unlink()
    done = keepfit("plan", "-C", champion, *NOW)
    assert done.returncode == 3
    assert "KF201" in done.stderr


def test_every_setting_is_shown_with_where_it_came_from(champion, plan):
    (champion / "keepfit.prod.toml").write_text('[monitor]\nwindow = "14d"\n')
    found = plan(champion, "--env", "prod", "--set", "refit.cooldown=9d", env={"KEEPFIT_MODEL__SEED": "3"})
    origin = {one["key"]: (one["value"], one["origin"]) for one in found["settings"]}
    assert origin["monitor.window"] == ("14d", "keepfit.prod.toml: line 2")
    assert origin["refit.cooldown"] == ("9d", "option")
    assert origin["model.seed"] == (3, "environment KEEPFIT_MODEL__SEED")
    assert origin["gates.good.limit"] == (0.6, "keepfit.toml: line 16")
    assert origin["model.evaluation"] == ("full", "default")
