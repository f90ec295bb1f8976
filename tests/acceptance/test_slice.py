"""The whole loop by the command line and over HTTP, with a server that dies in the middle of it."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx
import polars as pl
import pytest

from keepfit.demo import story
from keepfit.demo.stream import Stream, flights

#: With a quarter of the flights intervals are wide, so the gates are; what they say is tested elsewhere.
LOOSER = {"limit = 0.65": "limit = 0.5", "limit = 0.05": "limit = 0.5", "margin = 0.005": "margin = 0.5"}
FEWER = ("--set", "refit.minimum_labels=200")


@pytest.fixture
def thinned():
    """Every fourth flight."""
    return flights().gather_every(4)


@pytest.fixture
def flight_project(tmp_path, thinned):
    folder = tmp_path / "flights"
    story.prepare(folder)
    thinned.filter(pl.col("departure") < story.BEGIN).write_parquet(folder / "flights.parquet")
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


def turns(keepfit, folder, now):
    """Call `turn` until nothing is due or a challenger was promoted; give what it did."""
    did = []
    while True:
        done = keepfit("turn", "-C", folder, "--now", now.isoformat(), "--json", *FEWER)
        assert done.returncode == 0, done.stderr
        action = json.loads(done.stdout)["action"]["kind"]
        did += [action] * (action != "nothing")
        if action in {"nothing", "promote"}:
            return did


def test_the_loop_closes_and_loses_no_answer_though_the_server_is_killed(flight_project, thinned, keepfit, serve, until):
    run = keepfit("run", "-C", flight_project, "--now", story.BEGIN.isoformat(), "--set", "model.trials=0")
    assert run.returncode == 0, run.stderr + run.stdout
    monday = story.BEGIN + timedelta(days=3)
    week = timedelta(days=7)

    with serve(flight_project, "--simulated") as server:
        answered = live_through(server.client, thinned, days_from(story.BEGIN, 8))
        server.kill()
        with pytest.raises(httpx.TransportError):
            server.client.get("/livez")

    with serve(flight_project, "--simulated") as server:
        answered += live_through(server.client, thinned, days_from(story.BEGIN + timedelta(days=8), 3))
        watched = keepfit("watch", "-C", flight_project, "--now", (monday + week + timedelta(days=1)).isoformat(), "--json")
        assert all(window["labels"] == window["predictions"] > 200 for window in json.loads(watched.stdout))
        assert turns(keepfit, flight_project, monday + week + timedelta(days=1)) == ["refit"]
        did = []
        while "promote" not in did:
            monday += week
            assert monday < story.BEGIN + 8 * week, "no challenger won"
            answered += live_through(server.client, thinned, days_from(monday + timedelta(days=1), 7))
            assert server.client.get("/v1/release").json()["id"] == "r1"
            did = turns(keepfit, flight_project, monday + week + timedelta(days=1))
            assert did[:2] == ["watch", "compare"]
        assert until(lambda: server.client.get("/v1/release").json()["id"] != "r1") < 2
        promoted = json.loads(keepfit("status", "-C", flight_project, "--json").stdout)["champion"]
        answered += live_through(server.client, thinned, days_from(monday + week + timedelta(days=1), 1))

    assert keepfit("watch", "-C", flight_project, "--now", (monday + week + timedelta(days=1)).isoformat()).returncode in {0, 1}
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
