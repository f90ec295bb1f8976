"""What a fit depends on: the owner's code among it, and not what changes nothing that is fitted."""

from __future__ import annotations

import pytest

from keepfit import record
from keepfit.loop.fit import fit_cause
from keepfit.workspace import Workspace

PROJECT = """
[problem]
name = "owned"
target = "bad"

[data]
source = "rows.parquet"

[model]
estimators = ["mine:model"]
"""


@pytest.fixture
def cause(tmp_path):
    """The digest of a fit's cause, under further settings."""
    (tmp_path / "keepfit.toml").write_text(PROJECT)
    (tmp_path / "mine.py").write_text("import beside\n")
    (tmp_path / "beside.py").write_text("STRENGTH = 1\n")

    def of(**settings):
        options = {name.replace("__", "."): value for name, value in settings.items()}
        return record.digest_of(fit_cause(Workspace(tmp_path, options=options), "b3:data"))

    return of


@pytest.mark.parametrize("file", ["mine.py", "beside.py"])
def test_a_function_that_was_edited_or_what_it_imports_is_fitted_anew(cause, tmp_path, file):
    before = cause()
    assert cause() == before
    (tmp_path / file).write_text((tmp_path / file).read_text() + "MORE = 2\n")
    assert cause() != before


def test_gates_and_what_may_be_loaded_change_nothing_and_the_seed_does(cause, tmp_path):
    before = cause()
    assert cause(gates__good={"kind": "at_least", "metric": "roc_auc", "limit": 0.6}) == before
    assert cause(model__trust=["mine.Odd"]) == before
    (tmp_path / "unread.py").write_text("")
    assert cause() == before
    assert cause(model__seed=7) != before
    assert cause(problem__value={"true_positive": 3}) != before
