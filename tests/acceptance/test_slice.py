"""The whole loop over HTTP, with a server that dies in the middle of it; the library's calls are what the commands do."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta

import httpx
import polars as pl
import pytest

import keepfit as library
from keepfit.demo import story
from keepfit.demo.stream import Stream, flights

#: With a quarter of the flights intervals are wide, so the gates are; what they say is tested elsewhere.
LOOSER = {
    "limit = 0.65": "limit = 0.5",
    "limit = 0.05": "limit = 0.5",
    "margin = 0.03": "margin = 0.5",
    "trials = 8": "trials = 0",
    "[refit]": "[refit]\nminimum_labels = 200",
}
#: What differs each time: who did it, how long it took, and the microseconds of single answers.
MEASURED = {"holder", "lease", "until", "seconds", "serving"}


@pytest.fixture
def thinned():
    """Every fourth flight."""
    return flights().gather_every(4)


@pytest.fixture
def flight_project(tmp_path, thinned):
    folder = tmp_path / "flights"
    story.prepare(folder, thinned)
    toml = (folder / "keepfit.toml").read_text()
    for old, new in LOOSER.items():
        assert old in toml
        toml = toml.replace(old, new)
    (folder / "keepfit.toml").write_text(toml)
    return folder


class Asked:
    """A client that remembers the id of every answer that it got."""

    def __init__(self, client):
        self.client, self.ids = client, []

    def post(self, path, **request):
        answer = self.client.post(path, **request)
        if path == "/v1/predict" and answer.status_code == 200:
            self.ids += [one["id"] for one in answer.json()["predictions"]]
        return answer


def live_through(client, table, days):
    """Ask about the flights of some days, tell their labels a day later; give the ids that were answered."""
    asked = Asked(client)
    stream = Stream(asked, table)
    for day in days:
        stream.day(day)
        stream.labels(day, at=day + timedelta(days=1))
    return asked.ids


def turns(project, now):
    """Turn until nothing is due; give what was done."""
    did = []
    while (done := project.turn(now=now)).did_something:
        did.append(done.action.kind)
    return did


def what_came(folder):
    """Each entry of a project with what it names, but for what is measured in seconds."""
    with library.open(folder) as project:
        artifacts = project.workspace.artifacts

        def told(name, digest):
            return digest if name.startswith("model/") else without(json.loads(artifacts.get(digest)))

        def of(entry):
            named = {name: told(name, digest) for name, digest in entry.body.get("artifacts", {}).items()}
            return entry.seq, entry.kind, entry.key, entry.at, entry.actor, without(entry.body | {"artifacts": named})

        assert project.verify().whole
        return [of(entry) for entry in project.history()]


def without(value):
    if isinstance(value, dict):
        return {name: without(each) for name, each in value.items() if name not in MEASURED}
    return [without(each) for each in value] if isinstance(value, list) else value


def test_the_loop_closes_and_loses_no_answer_though_the_server_is_killed(
    flight_project, thinned, tmp_path, keepfit, serve, until, monkeypatch
):
    monkeypatch.setenv("KEEPFIT_ACTOR", "person:test")  # as the command line is run here
    monday, week = story.MONDAY, timedelta(days=7)
    project = library.open(flight_project)
    assert project.run(now=story.BEGIN).released == "r1"

    with serve(flight_project, "--simulated") as server:
        answered = live_through(server.client, thinned, days_from(story.BEGIN, 8))
        server.kill()
        with pytest.raises(httpx.TransportError):
            server.client.get("/livez")

    with serve(flight_project, "--simulated") as server:
        answered += live_through(server.client, thinned, days_from(story.BEGIN + timedelta(days=8), 3))
        did = []
        while "promote" not in did:
            assert monday < story.MONDAY + 8 * week, "no challenger won"
            by_command = monday < story.MONDAY + 2 * week
            now = monday + week + timedelta(days=1)
            copy = shutil.copytree(flight_project, tmp_path / f"{monday:%d %b}") if by_command else None
            assert server.client.get("/v1/release").json()["id"] == "r1"
            did = turns(project, now)
            if copy is not None:
                assert [json.loads(keepfit("turn", "-C", copy, "--now", now, "--json").stdout)["action"]["kind"] for _ in did] == did
                assert what_came(copy) == what_came(flight_project)
            monday += week
            answered += live_through(server.client, thinned, days_from(monday + timedelta(days=1), 7))
        assert until(lambda: server.client.get("/v1/release").json()["id"] != "r1") < 2

    assert project.windows[0].labels == project.windows[0].predictions > 200
    promoted = project.champion.id
    project.watch(now=monday + timedelta(days=1))
    kept = pl.concat(pl.read_parquet(path) for path in (flight_project / ".keepfit/tables/predictions").glob("*.parquet"))
    told = kept.filter(kept["role"] != "shadow")
    assert sorted(told["id"].to_list()) == sorted(answered)
    assert set(told["release"]) == {"r1", promoted}
    shadowed = kept.filter(kept["role"] == "shadow")
    assert 0 < shadowed.height == shadowed.unique(["id", "release"]).height
    assert set(shadowed["id"]) <= set(answered)
    assert keepfit("ledger", "verify", "-C", flight_project).returncode == 0


def days_from(begin, count):
    return [begin + timedelta(days=day) for day in range(count)]
