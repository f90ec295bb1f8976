"""The loop on weeks that nobody hopes for: it says what it cannot do, learns nothing from garbage, and goes on."""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

import keepfit
from keepfit import errors
from keepfit.loop import fit
from keepfit.loop.turn import turn

#: The first week after the project's data.
MONDAY = datetime(2024, 3, 4, tzinfo=UTC)
WEEK, DAY = timedelta(weeks=1), timedelta(days=1)


@pytest.fixture
def opened(champion):
    """Opens the project, with settings of its own where they are given; closed at the end."""
    held = []

    def call(folder=champion, **options):
        named = {name.replace("__", "."): value for name, value in options.items()}
        held.append(keepfit.open(folder, options={"refit.minimum_labels": 50, **named}))
        return held[-1]

    yield call
    for one in held:
        one.close()


@pytest.fixture
def answer(table, tmp_path):
    """Asks about a week's rows and brings their labels; gives the rows."""

    def call(project, week=0, *, frame=None, labels=True, turned=False):
        begin = MONDAY + week * WEEK
        rows = table(7, begin=begin, seed=week + 9, turned=turned) if frame is None else frame
        rows.drop("bad").write_parquet(tmp_path / "asked.parquet")
        project.score(tmp_path / "asked.parquet", tmp_path / "said.parquet", now=begin)
        (tmp_path / "said.parquet").unlink()
        if labels:
            tell(project, rows, begin + WEEK)
        return rows

    def tell(project, rows, now):
        rows.select("number", "bad").write_csv(tmp_path / "truth.csv")
        project.label(tmp_path / "truth.csv", now=now)

    call.tell = tell
    return call


def turns(project, now, *, most=12):
    """Turn until nothing is due; the actions, the last of which does nothing."""
    found = []
    while not found or found[-1].did_something:
        assert len(found) < most, [one.action.kind for one in found]
        found.append(project.turn(now=now))
    return [one.action for one in found]


def kinds(actions):
    return [one.kind for one in actions]


def test_no_traffic_at_all_is_nothing_to_do_for_years(opened):
    project = opened()
    for years in (0, 1, 5):
        (only,) = turns(project, MONDAY + years * 52 * WEEK)
        assert "no window" in only.because
    assert len(list(project.history(kind="watch"))) == 0
    assert project.champion.id == "r1"


def test_one_row_per_window_is_looked_at_and_too_little_to_judge_or_learn_from(opened, answer, table):
    project = opened()
    for week in range(3):
        answer(project, week, frame=table(7, begin=MONDAY + week * WEEK, seed=week).head(1))
    done = turns(project, MONDAY + 4 * WEEK)
    assert kinds(done) == ["watch", "watch", "watch", "nothing"]
    assert "too few labels" in done[-1].because
    assert [(one.predictions, one.evaluation, one.signals) for one in project.windows] == [(1, None, ())] * 3


def test_labels_of_one_class_alone_give_no_race_and_no_crash(opened, answer, table):
    project = opened()
    answer(project, 0)
    turns(project, MONDAY + WEEK + DAY)
    answer(project, 1, frame=table(7, begin=MONDAY + WEEK, seed=3).with_columns(bad=pl.lit(value=True)))
    done = turns(project, MONDAY + 2 * WEEK + DAY)
    assert "compare" in kinds(done)
    assert {"promote", "advance"}.isdisjoint(kinds(done))
    assert project.champion.id == "r1"
    assert project.verify().whole


def test_labels_that_come_before_their_predictions_count(opened, answer, table):
    project = opened()
    rows = table(7, begin=MONDAY, seed=9)
    answer.tell(project, rows, MONDAY - DAY)
    answer(project, 0, labels=False)
    assert "refit" in kinds(turns(project, MONDAY + WEEK + DAY))
    assert project.windows[0].labels == rows.height


def test_labels_that_never_come_leave_the_champion_in_its_place(opened, answer):
    project = opened()
    for week in range(3):
        answer(project, week, labels=False)
    for years in (0, 1):
        done = turns(project, MONDAY + 4 * WEEK + years * 52 * WEEK)
        assert {"refit", "compare", "promote"}.isdisjoint(kinds(done))
        assert "too few labels" in done[-1].because
    assert [one.labels for one in project.windows] == [0, 0, 0]


def test_a_champion_whose_model_was_removed_is_said_and_changes_nothing(opened, answer, champion):
    project = opened()
    answer(project, 0, turned=True)
    turns(project, MONDAY + WEEK + DAY)
    answer(project, 1, turned=True)
    for named in project.champion.candidate.files.values():
        project.workspace.artifacts.path(named).unlink()
    with pytest.raises(errors.KeepfitError) as told:
        turns(project, MONDAY + 2 * WEEK + DAY)
    assert told.value.code
    assert told.value.fix
    ended = [entry.body for entry in project.history(kind="action")][-1]
    assert (ended["kind"], ended["status"], ended["why"][:2]) == ("compare", "failed", "KF")
    assert "tried again" in project.turn(now=MONDAY + 2 * WEEK + DAY).action.because
    shutil.rmtree(champion / ".keepfit" / "releases", ignore_errors=True)
    assert project.workspace.roles().champion == "r1"


def test_a_release_without_its_reference_is_watched_all_the_same_and_that_is_said(opened, answer):
    project = opened()
    (fit,) = project.history(kind="fit")
    project.workspace.artifacts.path(fit.body["artifacts"]["reference"]).unlink()
    answer(project, 0)
    assert "watch" in kinds(turns(project, MONDAY + WEEK + DAY))
    (seen,) = project.windows
    assert seen.labels > 200
    assert seen.evaluation is not None
    assert any("the reference cannot be read" in note for note in seen.notes)
    assert not seen.drift


def test_a_clock_that_jumps_a_year_and_back_repeats_nothing(opened, answer):
    project = opened()
    answer(project, 0)
    ahead = MONDAY + 52 * WEEK
    assert kinds(turns(project, ahead)) == ["watch", "refit", "nothing"]
    with pytest.raises(errors.EarlierThanNewest):
        project.turn(now=MONDAY + WEEK + DAY)
    answer(project, 1)
    before = len(list(project.history()))
    # The machine's own clock, which nobody chose, is not refused: what is due by it is done, what was done is not done again.
    with project.workspace.alone():
        done = [turn(project.workspace, now=MONDAY + 2 * WEEK + DAY).action.kind for _ in range(4)]
    assert done == ["watch", "compare", "refit", "nothing"]
    assert len(list(project.history())) > before
    assert project.verify().whole


@pytest.mark.parametrize(("body", "code"), [("time.sleep(600)", "KF511"), ("raise RuntimeError('no')", None)])
def test_a_refit_that_crashes_or_never_ends_fails_and_the_champion_stays(opened, answer, monkeypatch, body, code):
    calm = fit.fit_recipe

    def broken(*arguments):
        exec(body, {"time": time})
        return calm(*arguments)

    limits = {"refit.budget": "1s"} if code else {}
    project = opened(**limits, refit__give_up_after=2)
    answer(project, 0)
    monkeypatch.setattr(fit, "fit_recipe", broken)
    now, why = MONDAY + WEEK + DAY, []
    for hours in (0, 1, 2, 9, 24, 48):
        try:
            turns(project, now + timedelta(hours=hours))
        except (errors.OverBudget, RuntimeError) as error:
            why.append(getattr(error, "code", None))
    assert why == [code, code], "given up after two"
    assert project.champion.id == "r1"
    assert "keepfit approve refit" in project.turn(now=now + 3 * DAY).action.because
    assert [entry.body["kind"] for entry in project.history(kind="incident")] == ["loop"]
    monkeypatch.undo()
    project = opened(refit__give_up_after=2)
    project.approve("refit", because="it is mended", now=now + 3 * DAY)
    assert kinds(turns(project, now + 3 * DAY))[0] == "refit"
    assert [entry.body["change"] for entry in project.history(kind="incident")] == ["opened", "closed"]


def test_a_column_that_disappears_from_the_table_is_named_and_nothing_is_logged(opened, answer, table):
    project = opened()
    with pytest.raises(errors.KeepfitError, match="amount"):
        answer(project, 0, frame=table(7, begin=MONDAY, seed=9).drop("amount"))
    assert project.predictions().height == 0


def test_a_row_on_the_boundary_of_two_windows_is_in_the_later_one_alone(opened, answer, table):
    project = opened()
    rows = table(14, begin=MONDAY, seed=9)
    edge = pl.lit(MONDAY + WEEK).cast(pl.Datetime("us", "UTC"))
    rows = rows.with_columns(when=pl.when(pl.int_range(pl.len()).is_between(200, 230)).then(edge).otherwise("when"))
    answer(project, 0, frame=rows)
    turns(project, MONDAY + 3 * WEEK)
    first, second = project.windows
    assert (first.end, second.begin) == (MONDAY + WEEK, MONDAY + WEEK)
    assert first.predictions + second.predictions == rows.height
    assert second.predictions == rows.filter(pl.col("when") >= edge).height


def test_windows_of_another_length_with_the_same_boundary_are_windows_of_their_own(opened, answer):
    project = opened()
    for week in range(2):
        answer(project, week)
    assert kinds(turns(project, MONDAY + 3 * WEEK)).count("watch") == 2
    longer = opened(monitor__window="14d")
    turns(longer, MONDAY + 4 * WEEK)
    before = len(list(longer.history()))
    assert kinds(turns(longer, MONDAY + 4 * WEEK)) == ["nothing"]
    assert len(list(longer.history())) == before
    done = [entry.body["cause"] for entry in longer.history(kind="action") if entry.body["status"] == "done"]
    assert len(done) == len(set(done))
    assert longer.verify().whole


def test_a_project_from_a_backup_that_is_a_week_old_goes_on_from_there_or_says_that_its_lock_is_newer(opened, answer, champion, tmp_path):
    project = opened()
    answer(project, 0)
    turns(project, MONDAY + WEEK + DAY)
    project.close()
    backup = shutil.copytree(champion, tmp_path / "backup")
    project = opened()
    answer(project, 1, turned=True)
    turns(project, MONDAY + 2 * WEEK + DAY)
    told = list(project.history())
    project.close()
    newer = (champion / "keepfit.lock").read_bytes()
    (backup / "keepfit.lock").write_bytes(newer)  # Git had the newer lock, the backup the older ledger
    restored = opened(backup)
    with pytest.raises(errors.BrokenChain, match=r"keepfit\.lock"):
        restored.turn(now=MONDAY + 3 * WEEK)
    (backup / "keepfit.lock").unlink()
    assert restored.verify().whole
    answer(restored, 1, turned=True)  # what was answered since then came from the backup's log, or comes again
    turns(restored, MONDAY + 2 * WEEK + DAY)
    again = list(restored.history())
    assert [(entry.kind, entry.key) for entry in again] == [(entry.kind, entry.key) for entry in told]
