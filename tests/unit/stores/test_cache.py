from __future__ import annotations

from keepfit import digest
from keepfit.stores import cache
from keepfit.stores.cache import Cache


def test_a_file_is_read_again_only_when_it_looks_another(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "_FRESH_NS", 0)
    read = []
    monkeypatch.setattr(cache.digest, "of_file", lambda path: read.append(path) or digest.of_bytes(path.read_bytes()))
    file, known = tmp_path / "rows.csv", Cache(tmp_path / "cache.sqlite")
    file.write_bytes(b"a,b\n1,2\n")
    assert [known.digest_of(file) for _ in range(3)] == [digest.of_bytes(b"a,b\n1,2\n")] * 3
    assert len(read) == 1
    file.write_bytes(b"a,b\n1,2\n3,4\n")
    assert known.digest_of(file) == digest.of_bytes(b"a,b\n1,2\n3,4\n")
    assert len(read) == 2


def test_a_file_that_has_just_changed_is_read_again(tmp_path, monkeypatch):
    read = []
    monkeypatch.setattr(cache.digest, "of_file", lambda path: read.append(path) or "b3:0")
    file, known = tmp_path / "rows.csv", Cache(tmp_path / "cache.sqlite")
    file.write_bytes(b"a")
    known.digest_of(file)
    known.digest_of(file)
    assert len(read) == 2


def test_a_cache_without_a_folder_knows_nothing_and_fails_at_nothing(tmp_path):
    known = Cache(tmp_path / "nowhere" / "cache.sqlite")
    known.put("key", "value")
    assert known.get("key") is None


def test_thousands_of_files_that_look_as_before_are_one_look_up(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "_FRESH_NS", 0)
    read, asked = [], []
    monkeypatch.setattr(cache.digest, "of_file", lambda path: read.append(path) or digest.of_bytes(path.read_bytes()))
    known = Cache(tmp_path / "cache.sqlite")
    monkeypatch.setattr(Cache, "_open", lambda self, opened=Cache._open: asked.append(1) or opened(self))
    files = [tmp_path / f"{number}.csv" for number in range(30)]
    for number, file in enumerate(files):
        file.write_text(f"a\n{number}\n")
    first = known.digest_of_all(files)
    asked.clear()
    assert known.digest_of_all(files) == first
    assert (len(read), len(asked)) == (30, 1)
    files[7].write_text("a\n77\n")
    assert known.digest_of_all(files) != first
    assert read[30:] == [files[7]]
    assert known.digest_of_all(files[::-1]) not in (first, known.digest_of_all(files))
