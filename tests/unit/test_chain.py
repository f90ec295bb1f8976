from __future__ import annotations

import importlib.util
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keepfit import chain, digest
from keepfit.errors import BrokenFile, CannotRead, NewerFormat
from keepfit.export import export, read_export
from keepfit.ledger import Draft, Head
from keepfit.stores.sqlite import SqliteLedger

AT = datetime(2013, 3, 1, tzinfo=UTC)
SCRIPT = Path(__file__).parents[2] / "scripts" / "verify_ledger.py"
MODEL, REPORT = digest.of_bytes(b"model"), digest.of_bytes(b"report")


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("verify_ledger", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Artifacts:
    """Files named by their digest."""

    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        return self.folder / name[3:5] / name[3:]

    def put(self, data):
        path = self.path(digest.of_bytes(data))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@pytest.fixture
def artifacts(tmp_path):
    artifacts = Artifacts(tmp_path / "artifacts")
    artifacts.put(b"model")
    artifacts.put(b"report")
    return artifacts


@pytest.fixture
def ledger(tmp_path):
    ledger = SqliteLedger(tmp_path / "ledger.sqlite", "p")
    ledger.append(
        [
            Draft("fit", "a", {"artifacts": {"model": MODEL}, "rows": 3}, AT, "tester"),
            Draft("verdict", "b", {"artifacts": {"reports": {"html": [REPORT]}, "model": MODEL}}, AT, "tester"),
            Draft("watch", "c", {"mentions": "b3:" + "0" * 64, "artifacts": {"not": "b3:short"}}, AT, "tester"),
            Draft("watch", "d", {}, AT, "tester"),
            Draft("watch", "e", {}, AT, "tester"),
        ]
    )
    yield ledger
    ledger.close()


def found(verification):
    return [(one.kind, one.seq) for one in verification.findings]


def test_a_whole_chain_with_its_artifacts_has_no_findings(ledger, artifacts):
    checked = chain.verify(ledger.texts(), project="p", heads=[ledger.head()], artifact=chain.artifacts_at(artifacts.path))
    assert checked.whole
    assert (checked.entries, checked.artifacts, checked.head) == (5, 2, ledger.head())


def test_a_head_may_lag_and_must_occur_in_the_chain(ledger):
    third = list(ledger.texts())[2]
    assert chain.verify(ledger.texts(), project="p", heads=[Head(), Head(3, third[2])]).whole
    assert found(chain.verify(ledger.texts(), project="p", heads=[Head(3, "f" * 64)])) == [("altered", 3)]


def test_a_chain_of_another_project_is_no_chain_of_this_one(ledger):
    assert found(chain.verify(ledger.texts(), project="q")) == [("altered", seq) for seq in range(1, 6)]


def test_a_chain_that_begins_later_lost_its_beginning(ledger):
    assert found(chain.verify(ledger.texts(after=2), project="p")) == [("removed", 1)]


def test_a_doubled_entry_is_found(ledger):
    texts = list(ledger.texts())
    assert found(chain.verify([*texts[:3], texts[1], *texts[3:]], project="p")) == [("reordered", 2)]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"seq":true,"prev":""}', '{"seq":3,"prev":"\\ud800"}', "[" * 100_000])
def test_a_text_that_is_no_entry_is_altered(ledger, text):
    texts = list(ledger.texts())
    texts[2] = (3, text, texts[2][2])
    assert found(chain.verify(texts, project="p")) == [("altered", 3)]


def test_a_missing_artifact_is_found_unless_an_erasure_names_it(ledger, artifacts):
    artifacts.path(MODEL).unlink()
    state = chain.artifacts_at(artifacts.path)
    assert found(chain.verify(ledger.texts(), project="p", artifact=state)) == [("artifact_missing", 1)]
    ledger.append([Draft("erasure", "x", {"old": MODEL, "new": None}, AT, "tester")])
    assert chain.verify(ledger.texts(), project="p", artifact=state).whole


def test_an_erasure_whose_text_was_altered_excuses_nothing(ledger, artifacts):
    artifacts.path(MODEL).unlink()
    ledger.append([Draft("erasure", "x", {"old": REPORT, "new": None}, AT, "tester")])
    texts = [(seq, text.replace(REPORT, MODEL) if seq == 6 else text, hash_) for seq, text, hash_ in ledger.texts()]
    checked = chain.verify(texts, project="p", artifact=chain.artifacts_at(artifacts.path))
    assert found(checked) == [("artifact_missing", 1), ("altered", 6)]


def test_a_changed_artifact_is_found_even_where_an_erasure_names_it(ledger, artifacts):
    ledger.append([Draft("erasure", "x", {"old": REPORT, "new": None}, AT, "tester")])
    artifacts.path(REPORT).write_bytes(b"another report")
    checked = chain.verify(ledger.texts(), project="p", artifact=chain.artifacts_at(artifacts.path))
    assert found(checked) == [("artifact_changed", 2)]


def test_an_artifact_that_cannot_be_opened_is_an_error(ledger, artifacts):
    artifacts.path(MODEL).unlink()
    artifacts.path(MODEL).mkdir()
    with pytest.raises(CannotRead):
        chain.verify(ledger.texts(), project="p", artifact=chain.artifacts_at(artifacts.path))


def exported(ledger, artifacts, path):
    with path.open("w", encoding="utf-8", newline="\n") as file:
        export(ledger, file.write, artifacts.path)
    return path


def test_an_export_reads_back_and_verifies(ledger, artifacts, tmp_path):
    path = exported(ledger, artifacts, tmp_path / "export.jsonl")
    header, texts = read_export(path.read_text(encoding="utf-8").split("\n")[:-1])
    assert (header.project, header.head) == ("p", ledger.head())
    assert set(header.artifacts) == {MODEL, REPORT}
    assert list(texts) == list(ledger.texts())


def test_an_export_does_not_vouch_for_a_changed_artifact(ledger, artifacts, tmp_path):
    artifacts.path(MODEL).write_bytes(b"another model")
    header, _ = read_export(exported(ledger, artifacts, tmp_path / "export.jsonl").read_text(encoding="utf-8").split("\n")[:-1])
    assert set(header.artifacts) == {REPORT}


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ([], BrokenFile),
        (["no json"], BrokenFile),
        (['{"record":"fit","version":1}'], BrokenFile),
        (['{"record":"ledger-export","version":2}'], NewerFormat),
        (['{"record":"ledger-export","version":1,"project":"p","head":{"seq":0,"hash":""},"artifacts":{}}', "[]"], BrokenFile),
        (['{"record":"ledger-export","version":1,"project":"p","head":{"seq":0,"hash":""},"artifacts":{}}', '{"seq":1}'], BrokenFile),
    ],
)
def test_what_is_no_export_is_refused(lines, error, tmp_path, script, capsys):
    with pytest.raises(error):
        list(read_export(lines)[1])
    path = tmp_path / "export.jsonl"
    path.write_text("\n".join(lines))
    assert script.main([str(path)]) == 3
    assert "unusable" in capsys.readouterr().err


def whole(_lines, _artifacts):
    pass


def altered(lines, _artifacts):
    lines[2] = lines[2].replace("tester", "nobody")


def removed(lines, _artifacts):
    del lines[2:4]


def reordered(lines, _artifacts):
    lines[2], lines[3] = lines[3], lines[2]


def renumbered(lines, _artifacts):
    second, third = json.loads(lines[2]), json.loads(lines[3])
    lines[2], lines[3] = (json.dumps(a | {"seq": b["seq"]}) + "\n" for a, b in ((third, second), (second, third)))


def cut(lines, _artifacts):
    del lines[4:]


def emptied(lines, _artifacts):
    del lines[1:]


def doubled(lines, _artifacts):
    lines.insert(4, lines[2])


def missing_artifact(_lines, artifacts):
    artifacts.path(REPORT).unlink()


def changed_artifact(_lines, artifacts):
    artifacts.path(MODEL).write_bytes(b"another model")


@pytest.mark.parametrize(
    "change", [whole, altered, removed, reordered, renumbered, cut, emptied, doubled, missing_artifact, changed_artifact]
)
def test_the_stand_alone_script_finds_what_the_library_finds(ledger, artifacts, tmp_path, script, capsys, change):
    path = exported(ledger, artifacts, tmp_path / "export.jsonl")
    with path.open(encoding="utf-8") as file:
        lines = file.readlines()
    change(lines, artifacts)
    path.write_text("".join(lines), encoding="utf-8")

    header, texts = read_export(lines)
    checked = chain.verify(texts, project=header.project, heads=[header.head], artifact=chain.artifacts_at(artifacts.path))
    code = script.main([str(path), "--artifacts", str(artifacts.folder)])
    *said, summary = capsys.readouterr().out.splitlines()
    assert said == [f"{one.kind} at {one.seq}: {one.explanation}" for one in checked.findings]
    assert code == (0 if change is whole else 1)
    assert ("whole" in summary) == (change is whole)


def test_the_stand_alone_script_takes_heads_from_elsewhere(ledger, artifacts, tmp_path, script, capsys):
    path = exported(ledger, artifacts, tmp_path / "export.jsonl")
    third = list(ledger.texts())[2][2]
    assert script.main([str(path), "--head", f"3:{third}"]) == 0
    assert script.main([str(path), "--head", f"9:{third}"]) == 1
    assert "cut at 6" in capsys.readouterr().out
    assert script.main([str(path), "--head", "nonsense"]) == 3
    assert script.main(["--nonsense"]) == 3


def test_the_stand_alone_script_needs_the_standard_library_only(script):
    source = SCRIPT.read_text()
    assert len(source.splitlines()) < 150
    imports = {line.split()[1].split(".")[0] for line in source.splitlines() if line.startswith(("import ", "from "))}
    assert imports <= {"__future__", "argparse", "collections", "hashlib", "itertools", "json", "pathlib", "re", "sys", "typing"}
