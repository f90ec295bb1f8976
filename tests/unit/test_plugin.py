from __future__ import annotations

from keepfit.plugin import code_of, find


def test_the_code_of_a_kind_is_what_it_imports_from_the_project_and_nothing_is_run(tmp_path):
    (tmp_path / "pack" / "deep").mkdir(parents=True)
    files = {
        "mine.py": "import os\nimport pack.deep.far\nfrom other import name\nraise SystemExit\n",
        "other.py": "from pack import near\n",
        "pack/__init__.py": "",
        "pack/near.py": "from . import beside\nfrom .deep import far\n",
        "pack/beside.py": "import mine\n",
        "pack/deep/__init__.py": "from .. import upward\n",
        "pack/deep/far.py": "this is no Python",
        "pack/upward.py": "",
        "unread.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    found = code_of("mine:model", tmp_path)
    assert found == {name: text.encode() for name, text in files.items() if name != "unread.py"}
    assert code_of("sklearn.linear_model:Ridge", tmp_path) == {}


def test_a_module_whose_source_or_that_of_what_it_imports_changed_is_imported_anew(tmp_path):
    (tmp_path / "owner_inner.py").write_text("WORD = 'before'\n")
    (tmp_path / "owner_outer.py").write_text("from owner_inner import WORD\n\n\ndef word():\n    return WORD\n")
    first = find("estimators", "owner_outer:word", folder=tmp_path)
    assert first() == "before"
    assert find("estimators", "owner_outer:word", folder=tmp_path) is first
    (tmp_path / "owner_inner.py").write_text("WORD = 'after that'\n")
    assert find("estimators", "owner_outer:word", folder=tmp_path)() == "after that"
