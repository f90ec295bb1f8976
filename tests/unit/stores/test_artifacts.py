from __future__ import annotations

import pytest

from keepfit import digest
from keepfit.errors import BrokenFile, CannotRead
from keepfit.estimators.dot import Weights
from keepfit.stores.artifacts import Artifacts

WEIGHTS = Weights((0.1, 2.0), -1.0)


@pytest.fixture
def artifacts(tmp_path):
    return Artifacts(tmp_path)


def test_bytes_files_and_records_come_back_by_their_digest(artifacts, tmp_path):
    name = artifacts.put(b"model")
    assert (name, artifacts.get(name)) == (digest.of_bytes(b"model"), b"model")
    (tmp_path / "file").write_bytes(b"model")
    assert artifacts.put_file(tmp_path / "file") == name
    assert artifacts.get_record(Weights, artifacts.put_record(WEIGHTS)) == WEIGHTS
    assert artifacts.path(name).relative_to(tmp_path).parts == (name[3:5], name[3:])


def test_equal_bytes_are_kept_once(artifacts):
    name = artifacts.put(b"model")
    before = artifacts.path(name).stat()
    assert artifacts.put(b"model") == name
    assert artifacts.path(name).stat().st_ino == before.st_ino


def test_changed_bytes_are_a_broken_file(artifacts):
    name = artifacts.put(b"model")
    artifacts.path(name).write_bytes(b"Model")
    with pytest.raises(BrokenFile):
        artifacts.get(name)


def test_a_missing_artifact_says_where_it_should_be(artifacts):
    with pytest.raises(CannotRead) as caught:
        artifacts.get(digest.of_bytes(b"none"))
    assert caught.value.at.endswith(digest.of_bytes(b"none")[3:])


def test_an_artifact_of_another_kind_is_a_broken_file(artifacts):
    with pytest.raises(BrokenFile):
        artifacts.get_record(Weights, artifacts.put(b'{"record":"plan","version":1}'))
