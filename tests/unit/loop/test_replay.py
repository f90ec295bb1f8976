"""A small project replayed: orders whose rule changes half way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from keepfit.candidate import Candidate
from keepfit.commands.replay import told
from keepfit.errors import BadArgument, BadPolicy, NoTime, OneClass, TooShort
from keepfit.evaluation import Evaluation
from keepfit.loop import rehearse
from keepfit.loop.policies import to_replay
from keepfit.loop.replay import replay
from keepfit.record import plain
from keepfit.replay import FRESHEST
from keepfit.reports.render import Document
from keepfit.reports.replay import page
from keepfit.workspace import Workspace

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
ROWS, CHANGE = 1400, 700
NOW = BEGIN + timedelta(hours=ROWS)
PROJECT = """\
[problem]
name = "orders"
target = "bad"
time = "at"
key = ["order"]
label_delay = "1d"
value = { true_positive = 2, false_positive = -1 }

[data]
source = "orders.parquet"

[model]
estimators = ["linear"]
evaluation = "quick"

[gates]
steady = { kind = "no_worse_than_champion", metric = "log_loss", margin = 0.005 }

[refit]
minimum_labels = 100
cooldown = "1d"
"""
POLICY = """\
[refit]
challenger = "window"
on = ["challenger", "quality"]
"""


def orders(after=ROWS, seed=0):
    """An order an hour; what makes one bad is another column from `CHANGE` on. Rows from `after` on are other ones for another seed."""
    draw = np.random.default_rng(7)
    amount, size = draw.normal(size=(2, ROWS))
    tells = np.where(np.arange(ROWS) < CHANGE, amount, size)
    bad = draw.random(ROWS) < 1 / (1 + np.exp(-2 * tells))
    order = np.arange(ROWS)
    order[after:] = np.random.default_rng(seed).permutation(order[after:])
    return pl.DataFrame(
        {
            "order": np.arange(ROWS),
            "at": [BEGIN + timedelta(hours=number) for number in range(ROWS)],
            "amount": amount[order],
            "size": size[order],
            "bad": bad[order],
        },
        schema_overrides={"at": pl.Datetime("us", "UTC")},
    )


def project(folder, frame, text=PROJECT):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "keepfit.toml").write_text(text)
    (folder / "race.toml").write_text(POLICY)
    frame.write_parquet(folder / "orders.parquet")
    return Workspace(folder)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A project with a replay of one policy, and where what it wrote was kept."""
    folder = tmp_path_factory.mktemp("replay")
    ws = project(folder / "orders", orders())
    return ws, folder / "kept", replay(ws, now=NOW, policies=[ws.folder / "race.toml"], keep=folder / "kept")


def test_a_policy_that_refits_makes_up_for_a_change_and_never_refitting_does_not(played):
    _, _, found = played
    assert [one.name for one in found.policies] == ["never", "race", FRESHEST]
    assert found["race"].gain is not None
    assert found["race"].gain.low > 0
    assert found["race"].promotions >= 1
    assert found["never"].promotions == found["never"].fits == found["never"].labels == 0
    assert found["never"].unrecovered >= 1 or found["never"].recovery > found["race"].recovery
    assert found.recommended == "race"
    assert found["race"].value.value > found["never"].value.value


def test_every_policy_is_measured_on_the_same_rows_and_windows(played):
    _, _, found = played
    assert {one.rows for one in found.policies} == {found.rows}
    assert {tuple(stretch.rows for stretch in one.windows) for one in found.policies} == {tuple(s.rows for s in found["never"].windows)}
    assert all(stretch.quality.low < stretch.quality.value < stretch.quality.high for stretch in found["race"].windows)


def test_the_project_itself_is_left_as_it_is(played):
    ws, kept, _ = played
    assert list(ws.ledger.entries()) == []
    assert not (ws.home / "tables").exists()
    assert not (ws.folder / "keepfit.lock").exists()
    assert {path.name for path in kept.iterdir()} == {"common", "first model", "never", "race", "every-window-unjudged", "source.parquet"}


def test_models_that_are_the_same_for_two_policies_are_fitted_once(played):
    _, kept, found = played
    files = {name: models(kept / name) for name in ("race", "every-window-unjudged")}
    assert files["race"] == files["every-window-unjudged"]
    assert found["race"].seconds == found[FRESHEST].seconds


def models(home):
    fits = Workspace(home.parents[1] / "orders", home=home).ledger.entries(kind="fit")
    return [[at for name, at in entry.body["artifacts"].items() if name.startswith("model/")] for entry in fits]


#: What depends on the moment at which a test runs, or on how fast the machine is.
BY_THE_WALL = ("lease", "until", "seconds", "holder")


def written(ws, home, until):
    """The entries before an instant, but for what depends on the machine; evaluations and candidates as they are."""
    apart = ws.elsewhere(home, home.parent / "common", {}, stand_in=home)
    found = []
    for entry in apart.ledger.entries():
        if entry.at >= until:
            continue
        body = {name: value for name, value in entry.body.items() if name not in BY_THE_WALL}
        named = dict(body.pop("artifacts", {}))
        for name in ("candidate", "evaluation", "champion_evaluation"):
            if name in named:
                one = apart.artifacts.get_record(Candidate if name == "candidate" else Evaluation, named[name])
                named[name] = plain(replace(one, serving=None))
        found.append((entry.kind, entry.key, entry.at, body, named))
    apart.close()
    return found


@pytest.mark.parametrize("data", ["both", "source"])
def test_what_comes_later_changes_nothing_before_it(tmp_path, data):
    text = PROJECT.replace("minimum_labels", f'data = "{data}"\nminimum_labels')
    instant = BEGIN + timedelta(hours=700)
    found = []
    for number in (1, 2):
        ws = project(tmp_path / f"p{number}" / "orders", orders(after=700, seed=number).head(1000), text)
        kept = tmp_path / f"p{number}" / "kept"
        said = replay(ws, now=NOW, policies=[ws.folder / "race.toml"], begin=BEGIN + timedelta(days=7), keep=kept)
        windows = [[s for s in one.windows if s.end <= instant - timedelta(days=7)] for one in said.policies]
        found.append(
            (windows, {home.name: written(ws, home, instant) for home in kept.iterdir() if (home / "ledger.sqlite").exists()}, said)
        )
    (first, mine, one), (second, theirs, other) = found
    assert mine == theirs
    assert len(mine["race"]) > 15
    assert first == second
    assert one["race"].quality != other["race"].quality


def test_labels_reach_the_log_when_they_are_known(played):
    _, kept, _ = played
    for path in sorted((kept / "race" / "tables" / "labels").glob("*.parquet")):
        seen = int(path.stem.removeprefix("labels-replay-"))
        received = pl.read_parquet(path)["received_at"].cast(int)
        assert received.max() <= seen


def test_the_project_s_own_policy_is_played_where_it_is_none_of_the_built_in(tmp_path):
    ws = project(tmp_path, orders(), PROJECT.replace("[refit]", '[refit]\non = ["challenger", "drift"]'))
    names = [rules.name for rules in to_replay(ws, [])]
    assert names == ["never", "every 4 windows", "quality", "drift", "race", "race + quality", "as written", FRESHEST]
    assert "as written" not in [rules.name for rules in to_replay(project(tmp_path, orders()), [])]


@pytest.mark.parametrize(("text", "fault"), [("[model]\ntrials = 3\n", BadPolicy), ("", BadPolicy)])
def test_a_file_that_is_no_policy_is_refused(tmp_path, text, fault):
    ws = project(tmp_path, orders())
    (tmp_path / "odd.toml").write_text(text)
    with pytest.raises(fault, match=r"odd\.toml is no policy"):
        replay(ws, now=NOW, policies=[tmp_path / "odd.toml"])


def test_rows_without_a_time_cannot_be_replayed(tmp_path):
    text = PROJECT.replace('time = "at"\n', "").replace('label_delay = "1d"\n', "")
    with pytest.raises(NoTime):
        replay(project(tmp_path, orders(), text), now=NOW)


@pytest.mark.parametrize("begin", [BEGIN, NOW])
def test_a_replay_needs_rows_before_it_and_windows_after_it(tmp_path, begin):
    with pytest.raises(TooShort):
        replay(project(tmp_path, orders()), now=NOW, begin=begin)


def test_windows_of_rows_end_with_the_row_that_fills_them(tmp_path):
    ws = project(tmp_path, orders().head(900), PROJECT.replace("[refit]", '[monitor]\nwindow = "300 rows"\n\n[refit]'))
    (tmp_path / "never.toml").write_text('[refit]\nchallenger = "off"\non = []\n')
    found = replay(ws, now=NOW, policies=[tmp_path / "never.toml"], begin=BEGIN + timedelta(days=10))
    assert [stretch.rows for stretch in found["never"].windows] == [300, 300]
    assert [one.name for one in found.policies] == ["never", "never (2)", "as written", FRESHEST]


def test_too_short_a_past_is_refused(tmp_path):
    with pytest.raises(TooShort, match="too few to replay"):
        replay(project(tmp_path, orders().head(100)), now=NOW)


def test_a_folder_that_holds_something_is_not_written_into(tmp_path):
    with pytest.raises(BadArgument, match="not empty"):
        replay(project(tmp_path, orders()), now=NOW, keep=tmp_path)


def test_a_replay_is_told_as_a_table_and_as_a_page(played, tmp_path):
    _, _, found = played
    text = told(found)
    assert "<- recommended" in text
    assert text.index("never") < text.index("race") < text.index(FRESHEST)
    shown = Document(found, page(found))
    assert "Race is the policy to take" in shown.html
    assert shown.html.count("<svg") >= 2 * (1 + len(found.policies))
    assert "| race |" in shown.markdown
    assert shown.write(tmp_path / "replay.html").read_text().startswith("<!doctype html>")


def test_an_action_that_fails_is_tried_again_as_it_would_be_live_and_told(tmp_path, monkeypatch):
    ws = project(tmp_path, orders().head(700))
    made = rehearse.turn
    failures = iter([OneClass("one outcome only", at="the split")])

    def once(*args, **more):
        for failure in failures:
            raise failure
        return made(*args, **more)

    monkeypatch.setattr(rehearse, "turn", once)
    (tmp_path / "never.toml").write_text('[refit]\nchallenger = "off"\non = []\n')
    found = replay(ws, now=NOW, policies=[tmp_path / "never.toml"], begin=BEGIN + timedelta(days=7))
    assert f"under never 1 actions failed ({OneClass.code})" in found.notes
    assert found.windows == 4
