"""Gates on the command line: by protected groups, small groups, and what a person reads."""

from __future__ import annotations

import json

import polars as pl
import pytest

NOW = "2024-03-04T00:00Z"
GOOD = 'good = { kind = "at_least", metric = "roc_auc", limit = 0.6 }'


@pytest.fixture
def judged(keepfit, project, table):
    """Runs the small project with other gates, its rows with a protected column; 12 rows of the test are of one group."""

    def run(gates, *options):
        rows = table(63)
        group = pl.when(pl.int_range(pl.len()) % 40 == 7).then(pl.lit("x")).when(pl.int_range(pl.len()) % 3 > 0).then(pl.lit("f"))
        toml = project().joinpath("keepfit.toml").read_text()
        toml = toml.replace(GOOD, gates).replace("[model]", '[columns]\ngender = { protected = true }\n\n[model]\nevaluation = "quick"')
        folder = project("judged", toml=toml, rows=rows.with_columns(gender=group.otherwise(pl.lit("m"))))
        return folder, keepfit("run", "-C", folder, "--now", NOW, *options)

    return run


def test_a_gate_by_a_protected_column_is_undecided_where_a_group_is_small_until_it_is_passed_over(keepfit, judged):
    fair = 'fair = { kind = "at_least", metric = "roc_auc", limit = 0.6, by = "gender" }'
    folder, done = judged(fair)
    assert done.returncode == 2, done.stderr
    assert "1 group of 'gender' with " in done.stdout
    assert 'write small = "pass_over" in the gate' in done.stdout
    assert "Not released: 1 undecided. There is no champion. exit 2" in done.stdout
    toml = folder / "keepfit.toml"
    toml.write_text(toml.read_text().replace('by = "gender" }', 'by = "gender", small = "pass_over" }'))
    again = keepfit("run", "-C", folder, "--now", NOW)
    assert again.returncode == 0, again.stdout
    kinds = [entry["kind"] for entry in json.loads(keepfit("history", "-C", folder, "--json").stdout)]
    assert kinds == ["snapshot", "fit", "verdict", "verdict", "release"]


def test_a_failed_gate_says_by_how_much_and_what_is_on_by_default_is_judged_too(judged):
    _, done = judged('great = { kind = "at_least", metric = "roc_auc", limit = 0.99 }\nslim = { kind = "size", limit = "10B" }', "-q")
    assert done.returncode == 1
    assert "even the good end of the interval misses the limit by" in done.stdout
    assert "too large" in done.stdout
    assert "better_than_baseline  passed" in done.stdout
    assert "Not released: 2 failed. There is no champion. exit 1" in done.stdout
