from __future__ import annotations

import os
import time

from keepfit.stores.leftovers import leftovers, orphans
from keepfit.stores.segments import SegmentWriter


def test_what_was_never_renamed_into_place_is_left_over_once_it_is_old(tmp_path):
    old = [
        tmp_path / "artifacts/ab/.ab.x1.part",
        tmp_path / "tables/snapshots/.2024-01.private.new",
        tmp_path / "releases/.r1.abc/plan.json",
    ]
    for path in [*old, tmp_path / "artifacts/ab/abcd", tmp_path / ".gitignore", tmp_path / "releases/r1/plan.json"]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    named = {old[0], old[1], old[2].parent}
    assert leftovers(tmp_path, before=time.time() - 60) == []
    for path in tmp_path.rglob("*"):
        os.utime(path, (1, 1))
    assert set(leftovers(tmp_path, before=time.time() - 60)) == named


def test_an_open_segment_is_an_orphan_once_its_writer_is_gone(tmp_path):
    writer = SegmentWriter(tmp_path, "labels")
    writer.append([b"{}"])
    assert orphans(tmp_path) == []
    left = tmp_path / "open" / "labels-1-1.seg"
    left.write_bytes(b"x")
    assert orphans(tmp_path) == [left]
    writer.close()
    assert orphans(tmp_path / "nothing") == []
