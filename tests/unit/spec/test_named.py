from __future__ import annotations

import pytest

from keepfit.errors import Faults
from keepfit.workspace import Workspace

PROJECT = """\
[problem]
name = "late"
target = "late"
value = { true_positive = 12 }
[data]
source = "flights.parquet"
[gates]
good = { kind = "at_least", metric = "roc_auc", limit = 0.65 }
"""


def faults(folder, text):
    (folder / "keepfit.toml").write_text(text)
    with pytest.raises(Faults) as caught:
        Workspace(folder).check()
    return {fault.at.rsplit(": ", 1)[-1]: (fault.code, fault.fix) for fault in caught.value.faults}


def test_faults_of_the_file_and_of_what_it_names_are_said_together(tmp_path):
    text = PROJECT.replace("target =", "traget =").replace("roc_auc", "rmse").replace("true_positive", "right")
    text = text.replace("limit", "limt") + '[model]\nestimators = ["linaer"]\n[columns]\na = { kind = "nmber" }\n'
    text += 'other = { kind = "x" }\n[gates.more]\nkind = "at_most"\nmetric = "r2"\nlimit = 1\n'
    assert faults(tmp_path, text) == {
        "problem.target": ("KF103", "add target = …"),
        "problem.traget": ("KF102", "did you mean 'target'?"),
        "problem.value.right": ("KF102", "one of false_negative, false_positive, true_negative, true_positive"),
        "gates.good.limit": ("KF103", "add limit = …"),
        "gates.good.limt": ("KF102", "did you mean 'limit'?"),
        "gates.more.metric": ("KF121", faults_of_metrics(tmp_path)),
        "model.estimators.0": ("KF120", "did you mean 'linear'?"),
        "columns.a.kind": ("KF120", "did you mean 'number'?"),
        "columns.other.kind": ("KF120", "one of boolean, category, moment, number, text"),
    }


def faults_of_metrics(folder):
    [(_, fix)] = faults(folder, PROJECT.replace("roc_auc", "r2")).values()
    assert fix.startswith("one of accuracy, ")
    return fix


def test_a_task_says_which_decisions_have_a_worth_and_whether_there_is_one_to_find(tmp_path):
    text = PROJECT.replace('target = "late"', 'target = "late"\ntask = "regression"\npositive = 1')
    found = faults(tmp_path, text)
    assert found["problem.value.true_positive"][0] == "KF102"
    assert found["problem.positive"] == ("KF122", "leave positive out")
    assert found["gates.good.metric"][0] == "KF121"


def test_an_unknown_task_is_one_fault(tmp_path):
    assert set(faults(tmp_path, PROJECT.replace('target = "late"', 'target = "late"\ntask = "bynary"'))) == {"problem.task"}
