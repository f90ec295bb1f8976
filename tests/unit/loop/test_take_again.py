"""Taking the same source again looks at its files and does not read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from keepfit.loop.take import take
from keepfit.workspace import Workspace

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
NOW = BEGIN + timedelta(days=5)


@pytest.fixture
def reads(monkeypatch):
    """Counts how often a source is read."""
    seen = []
    original = Workspace.read_source
    monkeypatch.setattr(Workspace, "read_source", lambda ws: seen.append(1) or original(ws))
    return seen


def test_an_unchanged_source_is_not_read_again_until_another_row_or_label_is_due(project, reads):
    ws = project()
    first = take(ws, now=NOW)
    assert take(ws, now=NOW).entry == first.entry
    assert take(ws, now=NOW + timedelta(hours=5, minutes=59)).snapshot == first.snapshot
    assert len(reads) == 1
    # At six hours the next order is there, and the outcome of one a day older.
    later = take(ws, now=NOW + timedelta(hours=6))
    assert (later.snapshot.rows, later.snapshot.known) == (first.snapshot.rows + 1, first.snapshot.known + 1)
    assert len(reads) == 2


def test_an_earlier_moment_sees_the_earlier_table(project, reads):
    ws = project()
    take(ws, now=NOW)
    assert take(ws, now=NOW - timedelta(days=1)).snapshot.rows == 17
    assert len(reads) == 2


def test_other_bytes_or_other_settings_are_taken_anew(project, orders, reads):
    ws = project()
    first = take(ws, now=NOW)
    changed = take(project(orders.with_columns(amount=pl.lit(1.5))), now=NOW)
    assert changed.snapshot != first.snapshot
    text = (ws.folder / "keepfit.toml").read_text().replace('label_delay = "1d"', 'label_delay = "2d"')
    assert take(project(orders, text), now=NOW).snapshot.known == 13
    assert len(reads) == 3


def test_a_cache_that_is_gone_or_broken_changes_nothing(project, reads):
    ws = project()
    first = take(ws, now=NOW)
    (ws.home / "cache.sqlite").write_bytes(b"no database at all")
    assert take(ws, now=NOW).entry == first.entry
    (ws.home / "cache.sqlite").unlink()
    assert take(ws, now=NOW).entry == first.entry
    assert len(reads) == 3


def test_a_part_that_is_gone_is_written_again(project):
    ws = project()
    first = take(ws, now=NOW)
    part = ws.tables.folder / first.snapshot.parts[0].file
    part.unlink()
    assert take(ws, now=NOW).snapshot == first.snapshot
    assert part.exists()
