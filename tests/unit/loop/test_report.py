"""A report comes out of every kind of table, and says nothing that is not so."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from keepfit.loop.report import gather
from keepfit.loop.run import run
from keepfit.reports.render import html, markdown
from keepfit.reports.report import page
from keepfit.workspace import Workspace

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
NOW = datetime(2024, 6, 1, tzinfo=UTC)
HOSTILE = '<script>alert("x")</script>'
#: Table, target, task, more of the project file.
TABLES = {}


def table(name, *, target, task="binary", more=""):
    def keep(make):
        TABLES[name] = (make, target, task, more)
        return make

    return keep


def draw(count, seed=3):
    rng = np.random.default_rng(seed)
    amount = rng.normal(size=count)
    return rng, amount, rng.random(count) < 1 / (1 + np.exp(-1.5 * amount))


def times(count, days):
    return pl.Series([BEGIN + timedelta(seconds=int(s)) for s in np.linspace(0, days * 86_400 - 1, count)], dtype=pl.Datetime("us", "UTC"))


@table("small", target="bad", more='time = "at"\nvalue = { true_positive = 5, false_positive = -2 }')
def _small():
    _, amount, bad = draw(150)
    return pl.DataFrame({"at": times(150, 60), "amount": amount, "bad": bad})


@table("bare", target="bad")
def _bare():
    """No time, no key, no value, no gates."""
    rng, amount, bad = draw(400)
    return pl.DataFrame({"amount": amount, "shop": rng.choice(["north", "south"], 400), "bad": bad})


@table("one group", target="bad", more="[columns]\nsex = { protected = true }")
def _one_group():
    _, amount, bad = draw(400)
    return pl.DataFrame({"amount": amount, "sex": ["f"] * 400, "town": ["Ulm"] * 400, "bad": bad})


@table("hostile", target="bad|\n<b>", more=f"[columns]\n'{HOSTILE}' = {{ kind = \"category\" }}")
def _hostile():
    rng, amount, bad = draw(500)
    names = ["</svg><img src=x onerror=alert(1)>", "a | b", "Größe 東京", "`*_", ""]
    columns = {HOSTILE: rng.choice(names, 500), "amount\n=1": amount, "of. dots": rng.normal(size=500), "bad|\n<b>": bad}
    return pl.DataFrame(columns)


@table("wide", target="bad", more='key = ["row"]')
def _wide():
    rng, amount, bad = draw(300)
    return pl.DataFrame({"row": range(300), "amount": amount, **{f"c{number}": rng.normal(size=300) for number in range(200)}, "bad": bad})


@table("magnitudes", target="price", task="regression", more='time = "at"')
def _magnitudes():
    """The target is constant where the town is Ulm."""
    rng, amount, _ = draw(600)
    town = rng.choice(["Ulm", "Bern"], 600)
    price = np.where(town == "Ulm", 1e6, 1e6 * (1 + 0.1 * amount + 0.05 * rng.normal(size=600)))
    return pl.DataFrame({"at": times(600, 40), "amount": amount, "town": town, "price": price})


@table("classes", target="kind", task="multiclass")
def _classes():
    rng, amount, _ = draw(500)
    return pl.DataFrame(
        {"amount": amount, "kind": np.array(["low", HOSTILE, "high"])[np.digitize(amount + 0.3 * rng.normal(size=500), [-0.5, 0.5])]}
    )


@table("constant columns", target="bad", more='time = "at"')
def _constant():
    _, amount, bad = draw(300)
    nothing = pl.Series([None] * 300, dtype=pl.Float64)
    return pl.DataFrame(
        {"at": times(300, 30), "amount": amount, "same": [7] * 300, "none": nothing, "huge": amount / abs(amount).max() * 1e308, "bad": bad}
    )


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A project with its first run, by the name of its table."""
    made = {}

    def of(name):
        if name not in made:
            make, target, task, more = TABLES[name]
            folder = tmp_path_factory.mktemp("report")
            make().write_parquet(folder / "rows.parquet")
            problem, _, rest = more.partition("[columns]")
            text = f'[problem]\nname = "p"\ntask = "{task}"\ntarget = {target!r}\n{problem}\n[data]\nsource = "rows.parquet"\n'
            text += '[model]\nestimators = ["linear"]\ntrials = 0\nevaluation = "quick"\n' + (f"[columns]{rest}\n" if rest else "")
            (folder / "keepfit.toml").write_text(text.replace("'bad|\\n<b>'", '"bad|\\n<b>"'))
            ws = Workspace(folder)
            run(ws, now=NOW)
            made[name] = ws
        return made[name]

    return of


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_kind_of_table_gives_a_report(workspace, name):
    report = gather(workspace(name), now=NOW)
    assert report.evaluation is not None
    assert report.tested is not None
    assert report.tested.reproduced
    shown, plain = html(page(report)), markdown(page(report))
    assert not {"nan", "inf", "-inf"} & set(shown.lower().split())
    assert "<script" not in shown
    assert "<script" not in plain.replace("\\<", "")
    assert "<img" not in shown
    assert shown.count("<figure>") >= 3
    assert all(math.isfinite(one.value) for one in report.tested.importance.values())
