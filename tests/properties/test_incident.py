"""The loop's decisions over random histories: windows, outcomes, crashes and people in any order."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepfit import record
from keepfit.action import attempts, cause
from keepfit.decision import decisions
from keepfit.incident import incidents, next_action, refits_failed, refused
from keepfit.instant import Duration, parse, show
from keepfit.ledger import GENESIS, Entry
from keepfit.loop.incidents import changes, sights
from keepfit.loop.state import KINDS, Told, state_of
from keepfit.policy import Policy
from keepfit.signal import Signal
from keepfit.window import Interval, Window
from keepfit.workspace import Workspace

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
WEEK = timedelta(days=7)
ACTS = {"refit", "compare", "test", "advance", "drop", "promote", "rollback"}
PROJECT = '[problem]\nname = "p"\ntarget = "bad"\ntime = "when"\n[data]\nsource = "rows.csv"\n'

TRIGGERS = [("challenger",), ("challenger", "quality"), ("challenger", "quality"), ("quality",), ("drift", "quality"), ("schedule",), ()]
POLICIES = st.builds(
    Policy,
    challenger=st.sampled_from(["window", "window", "off"]),
    on=st.sampled_from(
        [("challenger",), ("challenger", "quality"), ("challenger", "quality"), ("quality",), ("drift", "quality"), ("schedule",), ()]
    ),
    every=st.sampled_from([None, 2]),
    cooldown=st.sampled_from(["30d", "0s", "30d"]).map(Duration.parse),
    compute=st.sampled_from([None, None, Duration.parse("3m")]),
    give_up_after=st.integers(1, 3),
    stages=st.sampled_from([(), (), (0.05,), (0.05, 0.25)]),
    promote=st.sampled_from(["auto", "auto", "approval"]),
)
SIGNALS = ["quality", "calibration", "drift", "prediction", "errors", "latency", "data"]
EVENTS = st.lists(
    st.sampled_from([*["window"] * 10, "day", "day", "hour", "back", "freeze", "unfreeze", "unfreeze", "approve", "approve refit", "veto"]),
    min_size=10,
    max_size=24,
)
OUTCOMES = [*["done"] * 8, "failed", "killed early", "killed late"]


@dataclass
class World:
    """The entries of one project as the loop writes them, a clock, and what was done."""

    ws: Workspace
    policy: Policy
    chance: random.Random
    now: datetime = BEGIN
    entries: list = field(default_factory=list)
    windows: int = 0
    released: int = 1
    did: list = field(default_factory=list)

    def __post_init__(self):
        if self.ws is not None and self.policy.stages:  # the stage of a share is read from the project's own settings
            stages = [f"canary:{share:.0%}" for share in self.policy.stages]
            self.ws = Workspace(self.ws.folder, options={"refit.stages": stages})
        self.add("release", release="r1", role="champion", candidate="c1", was=None)

    def add(self, kind, /, *, actor="loop", **body):
        seq = len(self.entries) + 1
        self.entries.append(Entry("p", seq, kind, str(seq), self.now, self.now, actor, body, GENESIS, GENESIS))

    @property
    def told(self):
        return Told({kind: [entry for entry in self.entries if entry.kind == kind] for kind in KINDS})

    def due(self):
        seen = {entry.body["begin"] for entry in self.told["watch"]}
        every = [Interval(BEGIN + n * WEEK, BEGIN + (n + 1) * WEEK) for n in range(self.windows)]
        return tuple(one for one in every if show(one.begin) not in seen)

    def state(self):
        return state_of(self.ws, self.told, now=self.now, waits=self.due(), labels=self.policy.minimum_labels)

    def happen_to_all(self, says):
        self.add("decision", actor="person:ada", decision=says, about="", because="a test")

    def happen(self, event):
        state = self.state()
        answering = [name for name in (state.challenger, state.canary and state.canary.release) if name]
        if event == "window":
            self.windows += 1
            self.now = max(self.now, BEGIN + self.windows * WEEK)
        elif event in {"hour", "day", "back"}:
            self.now += {"hour": timedelta(hours=1), "day": timedelta(days=1), "back": timedelta(days=-2)}[event]
        elif event in {"freeze", "unfreeze"}:
            self.happen_to_all(event)
        elif event == "approve refit":
            self.add("decision", actor="person:ada", decision="approve", about="refit", because="a test")
        elif answering:
            self.add("decision", actor="person:ada", decision=event, about=answering[-1], because="a test")

    def turn(self):
        state = self.state()
        action = next_action(state, self.policy, self.now)
        if action.kind == "watch":
            self.watch(action.window)
        elif action.kind in ACTS:
            self.did.append((self.now, state, action))
            self.act(action)
        if action.kind not in {"nothing", "ask"}:
            self.settle()
        return action

    def watch(self, window):
        state = self.state()
        for role, name in (("champion", state.champion), ("canary", state.canary and state.canary.release)):
            if name:
                signals = [record.plain(self.signal()) for _ in range(self.chance.choice([0, 0, 0, 1, 2]))]
                self.add("watch", begin=show(window.begin), end=show(window.end), release=name, role=role, labels=5000, signals=signals)

    def signal(self):
        pick = self.chance.choice
        return Signal(pick(SIGNALS), pick(["", "a", "b"]), pick(["info", "warning", "critical"]), 0.5, "so it is")

    def settle(self):
        told = self.told
        known = incidents(told["incident"])
        seen = sights(told, known, look=window_of, limit=self.policy.give_up_after)
        for change, one in list(changes(known, seen)):
            self.add("incident", **one.noted, change=change)
        champion = self.state().champion
        for one in incidents(self.told["incident"]):
            if one.closed is None and one.release not in (None, champion):
                self.add("incident", **one.noted, change="closed")

    def act(self, action):
        token = max((one.token for one in attempts(self.told["action"])), default=0) + 1
        named = {"token": token, "kind": action.kind}
        more = {"release": action.release, "incident": action.incident, "stage": action.stage, "why": action.because}
        window = record.plain(action.window) if action.window else None
        until = show(self.now + timedelta(hours=1))
        reason = cause(action, self.policy.digest)
        self.add("action", **named, **more, cause=reason, window=window, status="started", holder="me", until=until)
        outcome = self.chance.choice(OUTCOMES)
        if outcome in {"done", "killed late"}:
            self.done(action)
        status = {"done": "done", "failed": "failed"}.get(outcome, "abandoned")
        why = self.chance.choice(["KF204", "KF560: labels contradict it"]) if action.kind == "refit" else "KF204"
        self.add("action", **named, status=status, why=why, seconds=60.0)

    def done(self, action):
        state = self.state()
        if action.kind == "refit":
            self.released += 1
            self.add("release", release=f"r{self.released}", role="shadow", candidate=f"c{self.released}", was=state.challenger)
        elif action.kind == "compare":
            z, status = self.chance.choice([-3.0, 1.0, 3.0, 3.0]), self.chance.choice([*["passed"] * 4, "failed", "undecided"])
            self.add("verdict", candidate=f"c{action.release[1:]}", window=record.plain(action.window), z=z, status=status)
        elif action.kind == "test":
            says = self.chance.choice(["passed", "failed", "undecided", "undecided"])
            self.add("stage", release=action.release, stage=action.stage, **record.plain(action.window), says=says)
        else:
            role = {"advance": "canary", "drop": "none"}.get(action.kind, "champion")
            more = {"share": self.policy.stages[action.stage]} if role == "canary" else {}
            more |= {"rolled_back": state.champion} if action.kind == "rollback" else {}
            self.add("release", release=action.release, role=role, candidate=f"c{action.release[1:]}", was=state.champion, **more)


def window_of(entry):
    signals = tuple(Signal(**signal) for signal in entry.body["signals"])
    begin, end = parse(entry.body["begin"]), parse(entry.body["end"])
    return Window(begin, end, entry.body["release"], 5000, 5000, None, None, None, None, (), signals)


@pytest.fixture(scope="module")
def ws(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    (folder / "keepfit.toml").write_text(PROJECT)
    return Workspace(folder)


def live(ws, policy, events, seed):
    """Let a world go through events with turns in between."""
    made = World(ws, policy, random.Random(seed))
    for event in events:
        made.happen(event)
        for _ in range(made.chance.randrange(7)):
            made.turn()
    return made


def rest(made):
    """Turn on, the clock going, until nothing was due for as long as a stage, a cool-down and all retries last."""
    quiet = 0
    for _ in range(300):
        quiet = quiet + 1 if made.turn().kind in {"nothing", "ask"} else 0
        if quiet > 12:
            return True
        made.now += timedelta(days=4)
    return False


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), policy=POLICIES, events=EVENTS)
def test_whatever_happens_the_rules_hold_and_the_loop_comes_to_rest(ws, seed, policy, events):
    made = live(ws, policy, events, seed)
    assert rest(made)
    tried = attempts(made.told["action"])
    done = [one.cause for one in tried if one.status == "done"]
    assert len(done) == len(set(done)), "twice for one cause"
    for now, state, action in made.did:
        assert state.decisions.frozen is None, "acted while frozen"
        if action.kind == "promote" or (action.kind == "advance" and action.stage == 0):
            assert state.changed is None or abs(now - state.changed) >= policy.cooldown.delta, "inside the cool-down"
            assert state.decisions.says(action.release) != "veto", "against a veto"
            assert policy.promote == "auto" or "approve" in said(made, action.release), "without the approval"
        if action.kind == "refit":
            assert not state.garbage, "learned from garbage"
            assert state.canary is None, "a challenger left its stage"
            failed = refits_failed(state)
            assert not failed or failed[-1].window != action.window or not refused(failed[-1].why), "refused, and nobody approved it"
        if action.kind == "rollback":
            assert action.release not in rolled_back(made, state), "back to what was rolled back from"
    per_incident = [one.incident for one in tried if one.kind == "rollback" and one.status == "done"]
    assert len(per_incident) == len(set(per_incident))


def said(made, release):
    return {entry.body["decision"] for entry in made.told["decision"] if entry.body["about"] == release}


def rolled_back(made, state):
    """The releases that a rollback left before the state, and that took the role in no other way since."""
    bad = set()
    for entry in made.told["release"]:
        if state.attempts and entry.seq > state.attempts[-1].seqs[0]:
            break
        if entry.body["role"] == "champion":
            bad = (bad | {entry.body.get("rolled_back")}) - {entry.body["release"]}
    return bad


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32), policy=POLICIES, events=EVENTS)
def test_one_cause_has_one_open_incident_and_refits_stop_after_so_many_failures(ws, seed, policy, events):
    made = live(ws, policy, events, seed)
    opened = {}
    for entry in made.told["incident"]:
        cause_of = (entry.body["kind"], entry.body["release"])
        if entry.body["change"] == "opened":
            assert opened.get(cause_of) is None
            opened[cause_of] = entry.body["incident"]
        else:
            assert opened[cause_of] == entry.body["incident"]
            opened[cause_of] = None if entry.body["change"] == "closed" else opened[cause_of]
    run = 0
    for entry in sorted([*made.told["action"], *made.told["decision"]], key=lambda entry: entry.seq):
        if entry.kind == "decision":
            run = 0 if entry.body["about"] == "refit" else run
        elif entry.body["kind"] == "refit" and entry.body["status"] != "started":
            run = 0 if entry.body["status"] == "done" else run + 1
            assert run <= policy.give_up_after


def test_a_freeze_that_was_said_twice_ends_at_once():
    made = World(None, Policy(), random.Random(0))
    for says in ("freeze", "freeze"):
        made.happen_to_all(says)
    assert decisions(made.told["decision"]).frozen.seq == 2
    made.happen_to_all("unfreeze")
    assert decisions(made.told["decision"]).frozen is None
