from __future__ import annotations

import tomllib
from importlib import resources

import jsonschema
import pytest

from keepfit.spec.json_schema import json_schema

DEMO = tomllib.loads((resources.files("keepfit.demo") / "keepfit.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def validator():
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def edited(section, key, value):
    return DEMO | {section: DEMO[section] | {key: value}}


def test_the_demo_s_project_file_fits(validator):
    assert list(validator.iter_errors(DEMO)) == []
    assert list(validator.iter_errors(edited("gates", "mine", {"kind": "my.gates:Fair", "anything": 1}))) == []
    assert list(validator.iter_errors(edited("model", "estimators", ["linear", "mine:Forest"]))) == []


@pytest.mark.parametrize(
    "wrong",
    [
        edited("problem", "traget", "late"),
        edited("problem", "task", "bynary"),
        edited("problem", "label_delay", "1 day"),
        edited("columns", "flight", {"kind": "categry"}),
        edited("model", "estimators", ["linaer"]),
        edited("gates", "good", {"kind": "at_least", "metric": "roc_auc"}),
        edited("gates", "good", {"kind": "at_least", "metric": "roc_auc", "limit": 0.6, "limt": 1}),
        edited("gates", "good", {"kind": "unheard_of"}),
    ],
)
def test_what_keepfit_refuses_does_not_fit(validator, wrong):
    assert list(validator.iter_errors(wrong)) != []


def test_keys_have_words_and_defaults_for_whoever_edits_the_file():
    definitions = json_schema()["$defs"]
    problem = definitions["ProblemSpec"]["properties"]
    assert problem["label_delay"]["description"] == "How long after `time` the truth is known."
    assert problem["label_delay"]["default"] == "0s"
    assert all("description" in key for name, shape in definitions.items() if name.endswith("Spec") for key in shape["properties"].values())
