"""Release folders of every format serve for ever: `releases/<format>-<predictor>` and the answers they gave when they were made.

`make_releases.py` says how; a folder is never changed once it was released.
"""

from __future__ import annotations

import json
import math
import platform
import shutil
import sys
from pathlib import Path

import pytest

from keepfit import record
from keepfit.errors import BadRelease, NewerFormat
from keepfit.estimators.dot import Weights
from keepfit.features import Plan
from keepfit.instant import parse
from keepfit.profile import Profile
from keepfit.release import Release, Sample
from keepfit.serving.served import Served
from keepfit.workspace import column_kinds

RELEASES = Path(__file__).with_name("releases")
FOLDERS = sorted(path for path in RELEASES.iterdir() if path.is_dir())
#: `exp` differs in its last bit between C libraries and processors; where the folders were made, nothing may differ.
LAST_BITS = 0.0 if (sys.platform, platform.machine()) == ("linux", "x86_64") else 2.0**-52
KINDS = {"release.json": Release, "profile.json": Profile, "sample.json": Sample, "plan.json": Plan, "weights.json": Weights}

folders = pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)


def test_both_predictors_and_a_calibration_have_a_release_of_every_format():
    assert {path.name for path in FOLDERS} == {"v1-linear", "v1-trees", "v1-calibrated"}


@folders
def test_a_golden_release_gives_the_answers_it_gave(folder):
    served = Served(folder, column_kinds())
    for golden in json.loads(folder.with_suffix(".answers.json").read_text(encoding="utf-8")):
        said = served.answer(golden["row"])
        assert [said.prediction, said.decision, list(said.warnings), said.key, said.private] == [
            golden[name] for name in ("prediction", "decision", "warnings", "key", "private")
        ]
        assert said.time == parse(golden["time"])
        assert said.outputs.keys() == golden["outputs"].keys()
        assert abs(said.outputs["score"] - golden["outputs"]["score"]) <= LAST_BITS


@folders
def test_what_a_golden_release_holds_still_reads_and_is_written_the_same_in_its_version(folder):
    for path in folder.rglob("*.json"):
        kind, written = KINDS[path.name], path.read_text(encoding="utf-8")
        value = record.read(kind, written)
        assert record.text(value) == written or json.loads(written)["version"] < kind.version


@folders
def test_an_altered_or_missing_file_of_a_release_is_found(folder, tmp_path):
    for name in ("model/plan.json", "profile.json", "sample.json"):
        for alter in (lambda path: path.write_bytes(path.read_bytes() + b" "), Path.unlink):
            copy = shutil.copytree(folder, tmp_path / "copy")
            alter(copy / name)
            with pytest.raises(BadRelease):
                Served(copy, column_kinds())
            shutil.rmtree(copy)


@folders
def test_a_release_of_a_newer_format_is_refused(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    form = json.loads((copy / "release.json").read_text(encoding="utf-8"))
    (copy / "release.json").write_text(json.dumps(form | {"version": 2}), encoding="utf-8")
    with pytest.raises(NewerFormat):
        Served(copy, column_kinds())


def with_sample(folder, to, change):
    """A copy of a release whose sample has other scores."""
    copy = shutil.copytree(folder, to)
    sample = record.read(Sample, (copy / "sample.json").read_bytes())
    changed = Sample(sample.rows, tuple({"score": change(output["score"])} for output in sample.outputs))
    (copy / "sample.json").write_text(record.text(changed), encoding="utf-8")
    form = json.loads((copy / "release.json").read_text(encoding="utf-8"))
    form["files"]["sample.json"] = record.digest_of(changed)
    (copy / "release.json").write_text(json.dumps(form), encoding="utf-8")
    return copy


@folders
def test_a_release_whose_sample_does_not_come_out_takes_no_traffic(folder, tmp_path):
    with pytest.raises(BadRelease, match="sample"):
        Served(with_sample(folder, tmp_path / "copy", lambda score: score + 1e-6), column_kinds())


def test_a_linear_release_serves_where_the_c_library_s_exp_differs_in_the_last_bit(tmp_path):
    copy = with_sample(RELEASES / "v1-linear", tmp_path / "copy", lambda score: math.nextafter(score, 1))
    assert Served(copy, column_kinds()).release.predictor == "linear"
