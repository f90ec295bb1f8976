"""Entries of version 1: `entry.json` was made with json and hashlib alone, by the words of the documentation."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keepfit import chain, export
from keepfit.ledger import Draft, Head, entry_hash, hashed_text, read_entry
from keepfit.stores.sqlite import SqliteLedger

GOLDEN = json.loads(Path(__file__).with_name("entry.json").read_text(encoding="utf-8"))
RECORDED_AT = datetime(2024, 5, 6, 7, 8, 9, 123, tzinfo=UTC)
MANIFEST = "b3:" + "ab" * 32
DRAFTS = [
    Draft(
        "snapshot",
        "snapshot-2013-03-01",
        {"artifacts": {"manifest": MANIFEST}, "rows": 336776, "share": 0.1, "tiny": 1e-7, "big": 1e16, "none": None, "ok": True},
        datetime(2013, 3, 1, tzinfo=UTC),
        "cli",
    ),
    Draft(
        "erasure",
        "Löschung-1",
        {"old": MANIFEST, "new": None, "rows_removed": 3},
        datetime(2013, 3, 1, 12, 30, 0, 500_000, tzinfo=UTC),
        "Zoë",
    ),
]


def test_the_golden_hashes_are_what_the_documentation_says():
    prev = "0" * 64
    for golden in GOLDEN:
        form = json.loads(golden["text"])
        assert form["prev"] == prev
        assert golden["text"] == json.dumps(form, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        prev = golden["hash"]
        assert prev == hashlib.sha256((form["prev"] + golden["text"]).encode()).hexdigest()


def test_these_drafts_still_become_the_golden_texts_and_hashes(tmp_path):
    ledger = SqliteLedger(tmp_path / "ledger.sqlite", "flight-delay")
    ledger.append(DRAFTS, recorded_at=RECORDED_AT)
    assert [{"text": text, "hash": hash_} for _, text, hash_ in ledger.texts()] == GOLDEN
    ledger.close()


@pytest.mark.parametrize("number", [0, 1])
def test_golden_entries_still_read(number):
    entry = read_entry(**GOLDEN[number])
    assert (entry.seq, entry.key, entry.actor) == (number + 1, DRAFTS[number].key, DRAFTS[number].actor)
    assert (entry.at, entry.recorded_at, entry.body) == (DRAFTS[number].at, RECORDED_AT, DRAFTS[number].body)
    assert hashed_text(entry) == GOLDEN[number]["text"]
    assert entry_hash(entry.prev, GOLDEN[number]["text"]) == entry.hash


def test_a_database_of_format_1_still_reads(tmp_path):
    connection = sqlite3.connect(tmp_path / "ledger.sqlite")
    connection.executescript(Path(__file__).with_name("ledger_1.sql").read_text(encoding="utf-8"))
    connection.close()
    ledger = SqliteLedger(tmp_path / "ledger.sqlite", "flight-delay")
    assert [{"text": text, "hash": hash_} for _, text, hash_ in ledger.texts()] == GOLDEN
    assert ledger.append([Draft("watch", "next", {}, RECORDED_AT, "cli")])[0].prev == GOLDEN[1]["hash"]
    ledger.close()


def test_an_export_of_version_1_still_reads_and_is_still_written(tmp_path):
    golden = Path(__file__).with_name("ledger_export.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    header, texts = export.read_export(golden)
    assert chain.verify(texts, project=header.project, heads=[header.head]).whole
    assert header.head == Head(2, GOLDEN[1]["hash"])

    ledger = SqliteLedger(tmp_path / "ledger.sqlite", "flight-delay")
    ledger.append(DRAFTS, recorded_at=RECORDED_AT)
    lines: list[str] = []
    export.export(ledger, lines.append, lambda _: tmp_path / "none")
    assert lines == golden
    ledger.close()
