"""Segments of version 1: `prediction.seg` was written with struct and zlib alone, by the words of the documentation."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

from keepfit import record, segment
from keepfit.prediction import Prediction
from keepfit.stores.segments import SegmentWriter, payloads

GOLDEN = Path(__file__).with_name("prediction.seg")
RECORD = Path(__file__).parent / "records" / "prediction.json"


def by_hand(data):
    """The frames of a segment, read without keepfit."""
    assert data[:8] == b"KEEPFIT\x01"
    place = 8
    while place < len(data):
        length, checksum = struct.unpack("<II", data[place : place + 8])
        payload = data[place + 8 : place + 8 + length]
        assert zlib.crc32(payload) == checksum
        yield payload
        place += 8 + length


def test_the_golden_segment_is_what_the_documentation_says():
    first, second, third = by_hand(GOLDEN.read_bytes())
    assert json.loads(first) == json.loads(RECORD.read_text(encoding="utf-8"))
    assert json.loads(second)["inputs"] == {"Größe": None, "flight": -1, "text": "\n\u2028\U0001f6ec"}
    assert third == b"{}"


def test_the_golden_segment_still_reads():
    found = list(segment.frames(GOLDEN.read_bytes()))
    assert found == list(by_hand(GOLDEN.read_bytes())) == list(payloads(GOLDEN))
    for payload in found[:2]:
        assert record.text(record.read(Prediction, payload)).encode() == payload


def test_a_writer_still_writes_the_golden_bytes(tmp_path):
    writer = SegmentWriter(tmp_path, "predictions")
    found = list(by_hand(GOLDEN.read_bytes()))
    writer.append(found[:1])
    writer.append(found[1:])
    writer.close()
    (path,) = (tmp_path / "sealed").iterdir()
    assert path.read_bytes() == GOLDEN.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
