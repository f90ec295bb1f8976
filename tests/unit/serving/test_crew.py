"""Who is on duty follows the ledger; what cannot be proved takes no traffic."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from keepfit.column import column_kinds
from keepfit.errors import BrokenFile, NewerFormat, NoChampion
from keepfit.serving.crew import Crew
from keepfit.serving.duty import Duty

RELEASES = Path(__file__).parents[2] / "golden" / "releases"


@pytest.fixture
def crew(make, tmp_path):
    folder = tmp_path / "project"
    for name, golden in (("r1", "v1-trees"), ("r2", "v1-linear"), ("r3", "v1-calibrated")):
        shutil.copytree(RELEASES / golden, folder / name)
        form = json.loads((folder / name / "release.json").read_text(encoding="utf-8"))
        (folder / name / "release.json").write_text(json.dumps(form | {"id": name}), encoding="utf-8")
    client = make()
    changed = []
    made = Crew(client.app, column_kinds(), changed=lambda answering: changed.append(answering and answering.champion.release.id))
    client.app.orders = msgspec.structs.replace(client.app.orders, releases=str(folder))
    made.client, made.folder, made.seen = client, folder, changed
    return made


def held(crew):
    who = crew.client.app.answering
    return {role: one.release.id for role in ("champion", "canary", "shadow") if (one := getattr(who, role)) is not None}


def take(crew, duty):
    crew.client.runner.run(crew.take(duty))


def test_a_new_duty_changes_who_answers(crew):
    crew.begin(Duty("r1"))
    take(crew, Duty("r2", canary="r3", share=0.1, shadow="r1", keys=(("hash", ("predict",)),)))
    assert held(crew) == {"champion": "r2", "canary": "r3", "shadow": "r1"}
    assert crew.client.app.answering.share == 0.1
    assert crew.client.app.duty.keys
    canary = crew.client.app.answering.canary
    take(crew, Duty("r3"))
    assert crew.client.app.answering.champion is canary  # it was loaded already
    assert crew.seen == ["r1", "r2", "r3"]


@pytest.mark.parametrize("harm", ["a file is missing", "a file was altered", "the folder is missing"])
def test_a_release_that_does_not_hold_takes_no_traffic_and_an_alarm_says_so(crew, harm):
    crew.begin(Duty("r1"))
    if harm == "the folder is missing":
        shutil.rmtree(crew.folder / "r2")
    elif harm == "a file is missing":
        (crew.folder / "r2" / "sample.json").unlink()
    else:
        (crew.folder / "r2" / "model" / "plan.json").write_bytes(b"{}")
    take(crew, Duty("r2", shadow="r3"))
    assert held(crew) == {"champion": "r1", "shadow": "r3"}
    assert "release r2" in crew.client.ask("GET", "/readyz").json()["alarms"]
    assert crew.client.counters.total("keepfit_releases_refused") == 1
    shutil.rmtree(crew.folder / "r2", ignore_errors=True)
    shutil.copytree(RELEASES / "v1-linear", crew.folder / "r2")
    take(crew, Duty("r2"))
    assert crew.client.ask("GET", "/readyz").json()["alarms"] == {}
    assert crew.client.counters.total("keepfit_releases_refused") == 0


def test_a_bundle_of_a_newer_version_is_refused_by_its_version(crew):
    form = json.loads((crew.folder / "r2" / "release.json").read_text(encoding="utf-8"))
    (crew.folder / "r2" / "release.json").write_text(json.dumps(form | {"version": 9}), encoding="utf-8")
    with pytest.raises(NewerFormat, match="version 9"):
        crew.begin(Duty("r2"))
    crew.begin(Duty("r1"))
    take(crew, Duty("r1", canary="r2", share=0.5))
    assert held(crew) == {"champion": "r1"}


def test_a_server_does_not_begin_without_a_champion_that_holds(crew):
    with pytest.raises(NoChampion):
        crew.begin(Duty())
    (crew.folder / "r1" / "release.json").write_text("{", encoding="utf-8")
    with pytest.raises(BrokenFile, match="JSON"):
        crew.begin(Duty("r1"))


def test_a_champion_that_lost_its_role_answers_no_more(crew):
    crew.begin(Duty("r1"))
    take(crew, Duty(None))
    assert crew.client.app.answering is None
    take(crew, Duty("r2"))
    assert held(crew) == {"champion": "r2"}
