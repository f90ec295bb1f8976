"""Every record in its version: `records/<name>.json` holds the JSON form of the value that stands here.

A file is never changed once it was released: a new version of a record gets a file of its own, and the
old one must go on reading.
"""

from __future__ import annotations

import copy
import dataclasses
import importlib
import json
import pkgutil
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import pytest

import keepfit
from keepfit import record
from keepfit.access import ApiKey
from keepfit.action import Action
from keepfit.added import Added
from keepfit.alert import Alert, Message
from keepfit.calibration import Calibration
from keepfit.candidate import Candidate
from keepfit.cause import Cause
from keepfit.chain import Finding, Verification
from keepfit.column import Bar
from keepfit.decision import Decision
from keepfit.demo.course import Gained, Week
from keepfit.drift import Drift
from keepfit.errors import BrokenFile, NewerFormat
from keepfit.estimate import Estimate, Expected, Track
from keepfit.estimators.constant import Constant
from keepfit.estimators.dot import Line, Weights
from keepfit.estimators.general import Owned
from keepfit.estimators.trees import Trees
from keepfit.evaluation import Evaluation, Gain, Group, Importance, Measured, Rest, Serving
from keepfit.export import ArtifactCopy, LedgerExport
from keepfit.features import Encoding, Plan
from keepfit.gate import Outcome
from keepfit.incident import Incident
from keepfit.inspection import Inspection
from keepfit.instant import Duration
from keepfit.label import Label
from keepfit.ledger import Entry, Head
from keepfit.loop.again import Again
from keepfit.loop.asked import Suggestion
from keepfit.loop.compare import Comparison, Contest, Side
from keepfit.loop.curves import Bin, Cut, Pile, Stretch
from keepfit.loop.events import Event
from keepfit.loop.outlook import Outlook, Setting, Step
from keepfit.loop.report import About, Made, Promotion, Report, Rescored
from keepfit.loop.run import Run
from keepfit.loop.score import Scoring
from keepfit.loop.spread import Spread
from keepfit.loop.sweep import Heap, Sweep
from keepfit.loop.turn import Turn
from keepfit.loop.upgrade import Change, Upgrade
from keepfit.prediction import Prediction
from keepfit.profile import Profile
from keepfit.proposal import Proposal
from keepfit.recent import Recent, Shares
from keepfit.reference import Blocks, ColumnBlocks, Reference
from keepfit.release import Release, Sample
from keepfit.replay import Figure, Rehearsal, Replay, Trouble
from keepfit.replay import Stretch as Replayed
from keepfit.reports.diagnosis import Diagnosis
from keepfit.reports.environment import Check
from keepfit.reports.lineage import Branch, Lineage, Node
from keepfit.reports.schema import Described, Description
from keepfit.reports.status import Status
from keepfit.schema import Column, Schema
from keepfit.signal import Signal
from keepfit.slice import Condition, Slice
from keepfit.snapshot import Part, Snapshot
from keepfit.spec.load import load
from keepfit.split import Split
from keepfit.stage import StageTest
from keepfit.suspicion import Suspicion
from keepfit.verdict import Verdict
from keepfit.violation import Violation
from keepfit.window import Interval, Window
from keepfit.workspace import Lock

FOLDER = Path(__file__).with_name("records")


def digest(letter):
    return "b3:" + letter * 64


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


OUTCOMES = (
    Outcome("good", "at_least", "passed", "roc_auc 0.71 [0.7, 0.72], at least 0.65"),
    Outcome("calibrated", "at_most", "undecided", "calibration_error 0.05 [0.04, 0.06], at most 0.05", "about 100 more rows"),
    Outcome("sound", "at_most", "failed", "log_loss 0.4 [0.39, 0.41], at most 0.3"),
    Outcome("steady", "no_worse_than_champion", "not_applicable", "there is no champion to compare with"),
)
EVALUATION = Evaluation(
    candidate="c1",
    rows=digest("e"),
    count=4,
    unit="day",
    clusters=2,
    metrics={
        "log_loss": Measured(0.4, 0.30000000000000004, 0.5, "lower", (0.125, -0.125)),
        "roc_auc": Measured(0.7, None, None, "higher", (1e-17,)),
    },
    counts={"true_positive": 1, "false_positive": 0, "true_negative": 2, "false_negative": 1},
    threshold=0.2,
    expected=0.25,
    happened=0.5,
    groups={"carrier": {"UA": Group(3, {"log_loss": Measured(0.4, 0.25, 0.625, "lower", ())}, 1.8)}},
    slices=(Slice("carrier is UA", "log_loss", 3, Gain(0.125, -0.25, 0.5, "log_loss"), (Condition("carrier", name="UA"),)),),
    suspected=2,
    baselines={"constant": {"log_loss": Measured(0.5, 0.25, 0.75, "lower", (0.25, -0.25))}},
    serving=Serving(1000, 2000, 12.5, 20.0, 18.0, None),
    equal_clusters=1.6,
    left_out={"precision": "nothing is decided for the class"},
    rest={"carrier": Rest(3, 21)},
    importance={"distance": Importance(0.125, 0.0625, 0.1875), "Größe": Importance(0.0, None, None)},
)
SNAPSHOT = Snapshot(
    "flights.parquet", digest("a"), (Part("2013-01", digest("b"), 3), Part("2013-02-01", digest("c"), 10_000, digest("d"))), 10_003, 10_000
)
VERDICT = Verdict("c2", "c1", digest("e"), OUTCOMES)
CANDIDATE = Candidate(
    id="c2",
    estimator="lightgbm",
    parameters={"trees": 150, "learning_rate": 0.06},
    seed=0,
    snapshots=(digest("a"), digest("b")),
    schema=digest("c"),
    split=None,
    classes=(False, True),
    threshold=0.2,
    calibration=Calibration(0.9, 0.1),
    final_fit="all",
    fitted_rows=10_000,
    fitted_before=utc(2013, 2, 28, 23, 59, 0, 1),
    tried={"linear": 0.41, "lightgbm": 0.4},
    trials=20,
    predictor="trees",
    difference=0.0,
    files={"model.txt": digest("d"), "plan.json": digest("e")},
    profile=digest("f"),
    versions={"numpy": "2.1.0"},
    serving=Serving(1000, 2000, 12.5, 20.0, 18.0, 25.0),
    constant=0.45,
)
COLUMNS = (
    Column("departure", "moment", "instant", ("time", "key", "feature"), False),
    Column("flight", "category", "int", ("key", "feature"), False),
    Column("Größe", "number", "float32", ("feature",), True),
    Column("late", "number", "bool", ("target",), True),
    Column("customer", "category", "text", ("subject",), False),
    Column("gender", "category", "text", ("protected",), True),
    Column("email", "category", "text", ("personal",), True),
    Column("arr_delay", "number", "float", ("later",), True),
)
DRIFT = Drift(
    "Größe", "location", 0.25, 100, "feature", "sd", 0.05, 1e-06, 0.00025, 0.05, "recent", importance=0.125, moved=True, matters=True
)
PROFILE_OF_BLOCKS = Profile(
    100,
    {
        "Größe": {
            "count": {"version": 1, "rows": 100, "missing": 3},
            "histogram": {"version": 1, "edges": [1.0, 2.0], "counts": [0, 40, 57]},
        },
        "origin": {
            "count": {"version": 1, "rows": 100, "missing": 0},
            "names": {
                "version": 1,
                "names": ["EWR", "JFK", "SWF"],
                "counts": [60, 39, 1],
                "over": [0, 0, 0],
                "other": 0,
                "error": 0,
                "once": 1,
            },
        },
    },
)
BLOCKS = Blocks(
    (50, 50),
    True,
    PROFILE_OF_BLOCKS,
    {
        "Größe": ColumnBlocks("feature", "number", "ordered", ((0, 20, 29), (0, 20, 28)), (1, 2)),
        "origin": ColumnBlocks("feature", "category", "open", ((30, 20, 0), (30, 19, 1)), (0, 0), (50, 1), 1),
    },
)
RECENT = Recent(3, {"Größe": Shares((0.0, 0.25, 0.75), 0.125, 0.0, 0.002, 0.001, 0.11, 500)}, {})
SIGNAL = Signal("drift", "Größe", "warning", 0.25, "the mean lies 0.25 sd from that of the reference")
WINDOW = Window(
    utc(2013, 3, 4),
    utc(2013, 3, 11),
    "r1",
    100,
    90,
    0.25,
    0.5,
    EVALUATION,
    Gain(-0.01, -0.02, 0.001),
    (DRIFT,),
    (SIGNAL,),
    "shadow",
    ("the reference has 100 rows, too few to say how windows differ of themselves",),
)
ESTIMATE = Estimate(
    utc(2013, 3, 11),
    utc(2013, 3, 18),
    "r1",
    "champion",
    100,
    900,
    9,
    {"log_loss": Expected(0.4, 0.375, 0.5, "lower")},
    "log_loss",
    "binary",
    0.25,
    0.5,
    0.75,
    {"log_loss": Track(4, 0.02, -0.01, 3, 1.25)},
    ("no label has come yet",),
)
INTERVAL = Interval(utc(2013, 3, 4), utc(2013, 3, 11))
PROMOTE = Action("promote", "the challenger won", INTERVAL, "r2", 4, 1)
STAGE_TEST = StageTest(
    "r2",
    0,
    utc(2013, 3, 12),
    utc(2013, 3, 19),
    900,
    7,
    0.01,
    3.25,
    0.0,
    "passed",
    "gain +0.0100 log loss over 900 rows in 7 days: it is no worse",
)

ABOUT = About(
    project="flight-delay",
    statement="Will it be late?",
    task="binary",
    target="late",
    against="against doing nothing",
    counted={"true_positive": ("yes, and right", True)},
    keepfit="0.1.0",
    made_at=utc(2013, 3, 12),
    head=Head(7, "f" * 64),
)
VIOLATION = Violation("range", "temp", "quarantine", 3, (7, 19, 10_003), "3 values outside -40 to 60")
SUSPICION = Suspicion(
    "leak", "arr_delay", "alone it ranks the rows by 'late' almost perfectly (1.000 of 1)", 'arr_delay = { known = "later" }'
)
INSPECTION = Inspection(10_006, 3, ("new column 'gust' (number, float)",), (VIOLATION,), (SUSPICION,))

ALERT = Alert(12, "escalated", "critical", utc(2013, 3, 12), "incident 4, calibration of r1, is graver", "27 % were late")

DECISION = Decision("veto", "r2", "person:Zoë", utc(2013, 3, 12), "the prices were wrong", 9)
INCIDENT = Incident(
    4,
    "calibration",
    "r1",
    ("late",),
    "critical",
    0.12,
    True,
    "27 % were late, 15 % were expected",
    utc(2013, 3, 4),
    7,
    utc(2013, 3, 25),
)
RECORDS = {
    "action": PROMOTE,
    "added": Added("mine:delays", "row", COLUMNS[1:3], (Column("per_mile", "number", "float", ("feature",), True),)),
    "api-key": ApiKey("k1-2cf24d", "billing", "2cf24dba" * 8, ("predict", "label"), utc(2013, 3, 1), "person:anna", utc(2013, 4, 1)),
    "alert": ALERT,
    "calibration": Calibration(0.9, 0.1),
    "candidate": CANDIDATE,
    "constant": Constant({"prediction": 12.5, "low": 3.0, "high": 20.0}),
    "cause": Cause("fit", {"the data": digest("a"), "model.trials": 20, "problem.label_delay": "1d", "model.estimators": ["linear"]}),
    "outlook": Outlook(
        "flight-delay",
        "r1",
        True,
        (Step("take", "unchanged", ("10,003 rows of flights.parquet",)), Step("fit", "runs", ("model.seed is 7 and was 0 (since c1)",))),
        (Setting("model.seed", 7, "option"), Setting("problem.key", ["carrier", "flight"], "keepfit.toml: line 9")),
    ),
    "diagnosis": Diagnosis(
        "flight-delay",
        (Check("python", "good", "CPython 3.11.7 on Linux x86_64"), Check("disk", "bad", "0.0 GiB of 10.0 GiB are free", "free some", 4)),
    ),
    "decision": DECISION,
    "comparison": Comparison(
        about=ABOUT,
        first=Side("r1", "champion", CANDIDATE, EVALUATION, (Bin(2, 0.25, 0.5, 0.125, 0.75, True),), ()),
        second=Side("c2", "not released", CANDIDATE, EVALUATION, (), (Cut(0.2, 500.0, 250.0, 12.5, 10.0, 15.0),)),
        begin=utc(2013, 3, 1),
        end=utc(2013, 3, 4),
        is_chance=True,
        axes={"said": "chance", "happened": "share"},
        gains={"log_loss": Gain(0.01, 0.005, 0.015, "log_loss")},
        agreed={"both": 2, "first": 0, "second": 1, "neither": 1},
        stretches=(Contest("", 2, Gain(0.01, -0.005, 0.025, "log_loss"), utc(2013, 3, 1), utc(2013, 3, 2)),),
        groups={"Größe": (Contest("below 1.5", 2, Gain(0.01, -0.005, 0.025, "log_loss")),)},
    ),
    "blocks": BLOCKS,
    "drift": DRIFT,
    "sweep": Sweep(
        True, (Heap("models", "c1", "linear, fitted 2024-03-04; in no role, released as r1", ("releases/r1",), 1234),), ("c2", "c3")
    ),
    "lineage": Lineage(
        Node("r1", "release", "champion: every gate passed", digest("a"), 4, utc(2013, 3, 1)),
        (
            Branch(
                Node("c1", "candidate", "linear on 10,003 rows"), (Branch(Node("flights.parquet", "source", "where the data come from")),)
            ),
        ),
        (Branch(Node("9", "window", "2013-03-04 to 2013-03-11: 100 predictions, 90 labels", None, 9, utc(2013, 3, 12))),),
    ),
    "entry": Entry(
        "flight-delay",
        1,
        "fit",
        digest("1"),
        utc(2013, 3, 1),
        utc(2024, 5, 6, 7, 8, 9, 123),
        "Zoë",
        {"artifacts": {"model": digest("a")}, "rows": 3, "share": 0.1},
        "0" * 64,
        "f" * 64,
    ),
    "estimate": ESTIMATE,
    "evaluation": EVALUATION,
    "gained": Gained(
        "demo",
        "c1",
        ("r3", "r4"),
        7,
        utc(2013, 3, 19),
        utc(2013, 3, 26),
        EVALUATION,
        EVALUATION,
        {"log_loss": Gain(0.01, 0.005, 0.015)},
        (Week(utc(2013, 3, 18), 7, ("r1", "r3"), 0.25, 0.125, 0.5, 0.375, 0.4375, "r4", ("calibration",)),),
    ),
    "incident": INCIDENT,
    "description": Description(
        "flights.parquet",
        utc(2013, 3, 1),
        7,
        False,
        (Described("temp", "number", "float", ("feature",), 3, "median 12, nine of ten in -3 to 31"),),
        ("email",),
        INSPECTION,
    ),
    "inspection": INSPECTION,
    "label": Label(None, '["UA",1545,"2013-01-01T05:15:00Z"]', "late", True, "system", "http", utc(2013, 1, 2), utc(2013, 1, 2, 0, 0, 1)),
    "ledger-export": LedgerExport("flight-delay", Head(2, "f" * 64), {digest("a"): ArtifactCopy("9" * 64, 12)}),
    "lock": Lock("flight-delay", Head(7, "f" * 64), digest("a"), "r1", digest("b")),
    "message": Message("0" * 32, "flight-delay", utc(2013, 3, 12, 7), (ALERT,)),
    "outcome": OUTCOMES[0],
    "owned": Owned("mine:model", "polars", "chances", ("p0", "p1", "p2"), COLUMNS[1:3], (0, 2), -1.5, 2.5, ("mine.Scaler",)),
    "plan": Plan(
        "linear",
        (
            Encoding(
                "Größe",
                "number",
                "float32",
                ("Größe", "Größe is missing"),
                (),
                {"style": "linear", "mean": 1.5, "scale": 0.1, "missing": True},
            ),
            Encoding("flight", "category", "int", ("flight = 1", "flight = 2"), (), {"style": "linear", "kept": ["1", "2"]}),
        ),
    ),
    "prediction": Prediction(
        id="0190163d-8694-7000-8000-000000000001",
        at=utc(2013, 3, 1, 2, 0, 0, 5),
        project="flight-delay",
        release="r1",
        role="champion",
        via="replay",
        time=utc(2013, 3, 1, 5),
        key='["UA",1545,"2013-03-01T05:00:00Z"]',
        subject="0123456789abcdef0123456789abcdef",
        inputs={"departure": "2013-03-01T05:00Z", "flight": 1545, "Größe": None, "wind": 1.5, "weekend": False},
        outputs={"score": 0.25},
        decision=True,
        warnings=("'flight' is a category that training did not see, or rarely",),
        latency_us=123,
        private={"gender": "f"},
    ),
    "profile": Profile(
        3,
        {
            "Größe": {
                "count": {"version": 1, "rows": 3, "missing": 1},
                "moments": {"version": 1, "rows": 2, "mean": 1.5, "deviation": 0.5, "least": 1.0, "most": 2.0},
                "quantiles": {"version": 1, "rows": 2, "error": 0, "turn": 0, "levels": [[1.0, 2.0]]},
                "histogram": {"version": 1, "edges": [1.0, 2.0], "counts": [0, 1, 1]},
                "distinct": {"version": 1, "registers": "AABAC"},
            },
            "origin": {
                "count": {"version": 1, "rows": 3, "missing": 0},
                "names": {"version": 1, "names": ["EWR", "JFK"], "counts": [2, 1], "over": [0, 0], "other": 0, "error": 0, "once": 1},
            },
        },
    ),
    "proposal": Proposal(
        source="orders.csv",
        rows=300,
        columns=4,
        name="orders",
        task="binary",
        target="returned",
        positive=True,
        time="ordered",
        least=utc(2024, 1, 1),
        most=utc(2024, 7, 1, 8),
        key=("order_id",),
        label_delay=Duration.parse("14d"),
        value={"true_positive": 12.0, "false_positive": -3.0},
        settings={"Größe": {"kind": "category"}, "email": {"personal": True}},
        gates={"steady": {"kind": "no_worse_than_champion", "metric": "log_loss", "margin": 0.005}},
        reasons={"problem.target": "2 values, by its name", "columns.email": "its values are e-mail addresses: not taken"},
        notes=("the same in every row: country",),
        others=("paid",),
    ),
    "recent": RECENT,
    "reference": Reference(BLOCKS, None),
    "release": Release(
        id="r1",
        project="flight-delay",
        statement="Will it be late?",
        candidate="c1",
        task="binary",
        target="late",
        classes=(False, True),
        threshold=0.2,
        columns=COLUMNS[:3],
        inputs=("departure", "flight", "Größe"),
        key=("flight", "departure"),
        time="departure",
        predictor="linear",
        difference=2.220446049250313e-16,
        made_at=utc(2013, 3, 1),
        files={"model/plan.json": digest("a"), "model/weights.json": digest("b"), "profile.json": digest("c"), "sample.json": digest("d")},
    ),
    "again": Again(
        release="r2",
        candidate="c2",
        begin=utc(2013, 3, 1),
        end=utc(2013, 3, 19),
        rows=6611,
        agreed=0.93,
        apart=(0.02, 0.31),
        labelled=6580,
        metric="log_loss",
        then=Figure(0.403, 0.4, 0.406),
        now=None,
        gain=Gain(0.01, 0.005, 0.015, "log_loss"),
        logged_us=None,
        answers_us=(9.0, 21.5),
        by=("r1",),
    ),
    "replay": Replay(
        "flight-delay",
        utc(2013, 3, 1),
        utc(2013, 3, 19),
        1,
        6611,
        "1d",
        "7d",
        "log_loss",
        "lower",
        (
            Rehearsal(
                "race",
                {"refit.on": ["challenger"], "refit.every": None},
                6611,
                Figure(0.391, 0.388, None),
                Gain(0.01, 0.005, 0.015, "log_loss"),
                None,
                1,
                2,
                3.5,
                6580,
                (Trouble("quality", utc(2013, 3, 11), None, True),),
                7.0,
                0,
                Figure(531.0, 500.0, 562.0),
                (Replayed(utc(2013, 3, 11), utc(2013, 3, 18), 6611, Figure(0.391, 0.388, 0.394), Gain(0.0, -0.1, 0.1, "loss"), ("r2",)),),
            ),
        ),
        "race",
        "it has the best log loss",
        ((utc(2013, 3, 11), utc(2013, 3, 18)),),
        {"constant": Figure(0.43, 0.42, 0.44)},
        ("a person's approval is taken as given at once",),
    ),
    "run": Run(True, SNAPSHOT, 2, CANDIDATE, EVALUATION, VERDICT, None, "r1", INSPECTION, {"take": 0.5}),
    "report": Report(
        about=ABOUT,
        candidate=CANDIDATE,
        release="r2",
        role="champion",
        evaluation=EVALUATION,
        gains={"constant": (Gain(0.01, 0.005, 0.015, "log_loss"),)},
        sentence="Of 1,000 rows the model says yes to 212.",
        verdict=VERDICT,
        tested=Rescored(
            rows=4,
            begin=utc(2013, 3, 1),
            end=utc(2013, 3, 4),
            reproduced=True,
            is_chance=True,
            axes={"said": "chance", "happened": "share", "parts": "chance"},
            bins=(Bin(2, 0.25, 0.5, 0.125, 0.75, False),),
            cuts=(Cut(0.2, 500.0, 250.0, 12.5, None, None),),
            piles=(Pile(0.0, 0.05, {"came true": 1, "did not": 3}),),
            stretches=(Stretch(utc(2013, 3, 1), utc(2013, 3, 2), 2, Measured(0.5, 0.25, 0.75, "lower", ()), False),),
            importance={"Größe": Importance(0.125, 0.0, 0.25)},
            groups={"Größe": {"below 1.5": Group(2, {"log_loss": Measured(0.5, None, None, "lower", ())})}},
        ),
        untested="",
        spread=(Spread("Größe", "number", "value", "median 1.5", 0.25, (Bar("", 1.0, 2.0, 0.5, 1.0),), 0.0, 0.125, None),),
        windows=(WINDOW,),
        promotions=(Promotion("r2", utc(2013, 3, 5)),),
        incidents=(),
        events=(Event(utc(2013, 3, 5), 5, "release", "r2 became champion: it won", "loop"),),
        made=Made((SNAPSHOT, SNAPSHOT), None, COLUMNS[:2], ("notes",), (utc(2013, 1, 1), utc(2013, 2, 28)), {"fit": 2}),
        estimates=(ESTIMATE,),
    ),
    "sample": Sample(({"flight": 1545, "Größe": None}, {"flight": 2, "Größe": 1.5}), ({"score": 0.25}, {"score": 0.1})),
    "schema": Schema(COLUMNS, "late", "departure", ("flight", "departure"), ("notes",)),
    "scoring": Scoring(7, "r1", "scored.parquet", True),
    "signal": SIGNAL,
    "snapshot": SNAPSHOT,
    "split": Split("time", Duration.parse("1d"), (utc(2013, 2, 1), utc(2013, 2, 10)), utc(2013, 2, 20), utc(2013, 2, 21)),
    "stage": STAGE_TEST,
    "status": Status(
        "flight-delay",
        utc(2013, 3, 12),
        "r1",
        utc(2013, 3, 1),
        EVALUATION,
        "r2",
        None,
        WINDOW,
        12,
        utc(2013, 3, 11),
        Gain(0.01, 0.005, 0.015, "log_loss"),
        "passed",
        "r3",
        0.05,
        0,
        "gain +0.0100",
        (INCIDENT,),
        (DECISION,),
        DECISION,
        "refit since noon",
        "a look at the stage",
        1,
        ESTIMATE,
    ),
    "turn": Turn(PROMOTE, (WINDOW,), "c2", "r2", Gain(0.01, 0.005, 0.015), VERDICT, STAGE_TEST, "passed"),
    "suggestion": Suggestion(utc(2013, 3, 11), utc(2013, 3, 18), "r1", 100, 0.4, {"p1": 0.25}, {"p1": 0.5}),
    "suspicion": SUSPICION,
    "verdict": VERDICT,
    "verification": Verification("flight-delay", 2, Head(2, "f" * 64), 1, (Finding("cut", 3, "the chain ends at entry 2"),)),
    "trees": Trees("magnitude", ("model.txt", "low.txt", "high.txt"), ("prediction", "low", "high"), 12.5, 3.0),
    "violation": VIOLATION,
    "upgrade": Upgrade(0, 1, (Change("format", "says that the folder has format 1"),), True, ".keepfit.format-0"),
    "weights": Weights((0.1, -0.30000000000000004, 0.0), -1.5, "chances", (Line((0.0, 1.0, 2.0), 0.5),), -0.25, 0.75),
    "window": WINDOW,
}


def classes_with_a_record():
    """Every record of the package, by name."""
    found = {}
    for module in pkgutil.walk_packages(keepfit.__path__, "keepfit."):
        if module.name.endswith("__main__"):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if dataclasses.is_dataclass(value) and isinstance(getattr(value, "record", None), str):
                found.setdefault(value.record, value)
    return found


def shown(value):
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def stored(name):
    return (FOLDER / f"{name}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_a_record_has_the_golden_form_and_reads_back_equal(name):
    value = RECORDS[name]
    assert shown(record.to_json(value)) == stored(name)
    assert record.from_json(type(value), json.loads(stored(name))) == value
    assert record.read(type(value), record.text(value)) == value


def test_every_record_of_the_package_has_a_golden_file_of_its_version():
    found = classes_with_a_record()
    assert set(found) == set(RECORDS) == {path.stem for path in FOLDER.glob("*.json")} - {"project"}
    assert {name: json.loads(stored(name))["version"] for name in found} == {name: kind.version for name, kind in found.items()}
    assert all(type(value) is found[name] for name, value in RECORDS.items())


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_a_record_of_a_newer_version_is_refused(name):
    value = json.loads(stored(name))
    with pytest.raises(NewerFormat, match=f"version {value['version'] + 1}"):
        record.from_json(type(RECORDS[name]), value | {"version": value["version"] + 1}, at="here")


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_members_that_a_later_version_may_add_are_passed_over(name):
    value = json.loads(stored(name))
    assert record.from_json(type(RECORDS[name]), value | {"unheard of": {"a": [1]}}) == RECORDS[name]
    deep = copy.deepcopy(value)
    deepened = [part for part in walk(deep) if part is not deep and set(part) in SHAPES]
    for part in deepened:
        part["unheard of"] = 1
    assert record.from_json(type(RECORDS[name]), deep) == RECORDS[name]


#: The members of the dataclasses that stand inside records.
SHAPES = [
    {field.name for field in dataclasses.fields(kind)}
    for kind in (
        Measured,
        Gain,
        Group,
        Slice,
        Serving,
        Rest,
        Importance,
        Condition,
        Outcome,
        Part,
        Column,
        Head,
        Interval,
        Drift,
        Expected,
        Track,
        Encoding,
        Setting,
        Step,
        Check,
        Heap,
        Change,
        Branch,
        Node,
        Line,
        Figure,
        Rehearsal,
        Trouble,
        Replayed,
    )
]


def walk(value):
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from walk(inner)
    if isinstance(value, list):
        for inner in value:
            yield from walk(inner)


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_a_record_that_is_damaged_is_a_broken_file(name):
    kind, whole = type(RECORDS[name]), stored(name)
    for damaged in ("", whole[:-10], "[]", "null", '{"record":"another","version":1}', "\x00" * 20):
        with pytest.raises(BrokenFile):
            record.read(kind, damaged, at="here")
    value = json.loads(whole)
    for member in [field.name for field in dataclasses.fields(kind) if field.default is dataclasses.MISSING][:3]:
        with pytest.raises(BrokenFile):
            record.from_json(kind, {key: inner for key, inner in value.items() if key != member})
        with pytest.raises(BrokenFile):
            record.from_json(kind, value | {member: [[]]})
    for version in (None, "1", 1.0, True, 0, -1):
        with pytest.raises(BrokenFile):
            record.from_json(kind, value | {"version": version})


def test_a_duration_that_is_none_is_a_broken_file():
    value = json.loads(stored("split"))
    for gap in ("a while", 7, None):
        with pytest.raises(BrokenFile):
            record.from_json(Split, value | {"gap": gap})


def test_what_json_cannot_hold_is_refused_when_it_is_written():
    for number in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="NaN or infinity"):
            record.to_json(Weights((number,), 0.0))


def test_the_demo_s_project_file_parses_to_the_golden_project(tmp_path):
    (tmp_path / "keepfit.toml").write_bytes((resources.files("keepfit.demo") / "keepfit.toml").read_bytes())
    assert shown(load(tmp_path, environ={}).spec.model_dump(mode="json")) == stored("project")


@pytest.mark.parametrize("path", sorted((FOLDER / "older").glob("*.json")), ids=lambda path: path.stem)
def test_records_of_older_versions_still_read(path):
    name, _, version = path.stem.rpartition("-")
    assert json.loads(path.read_text(encoding="utf-8"))["version"] == int(version) < type(RECORDS[name]).version
    value = record.read(type(RECORDS[name]), path.read_bytes())
    assert record.read(type(value), record.text(value)) == value
