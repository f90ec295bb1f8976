from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepfit import segment
from keepfit.errors import BrokenFile, NewerFormat

PAYLOADS = st.lists(st.binary(max_size=40), max_size=5)


def whole(payloads):
    return segment.MAGIC + b"".join(map(segment.frame, payloads))


@given(PAYLOADS)
def test_payloads_come_back(payloads):
    assert list(segment.frames(whole(payloads))) == payloads


@given(PAYLOADS)
def test_any_cut_gives_exactly_the_complete_frames_before_it(payloads):
    data = whole(payloads)
    ends = [len(whole(payloads[:count])) for count in range(len(payloads) + 1)]
    for cut in range(len(data) + 1):
        complete = sum(end <= cut for end in ends[1:])
        assert list(segment.frames(data[:cut])) == payloads[:complete]


@given(PAYLOADS.filter(len), st.data())
def test_a_damaged_byte_is_never_read_as_a_payload(payloads, data):
    place = data.draw(st.integers(0, len(whole(payloads)) - 1))
    flipped = bytearray(whole(payloads))
    flipped[place] ^= data.draw(st.integers(1, 255))
    try:
        found = list(segment.frames(bytes(flipped)))
    except (BrokenFile, NewerFormat):
        return
    # Only an end may look torn: what is read is a beginning of what was written.
    assert found == payloads[: len(found)]
    assert len(found) < len(payloads) or place == 7


@given(PAYLOADS, st.binary(min_size=8, max_size=60))
def test_what_follows_a_whole_segment_never_loses_what_was_complete(payloads, tail):
    found = []
    try:
        for payload in segment.frames(whole(payloads) + tail):
            found.append(payload)  # noqa: PERF402 -- it may raise in between
    except BrokenFile:
        pass
    assert found[: len(payloads)] == payloads


def test_another_file_and_a_newer_segment_are_refused():
    with pytest.raises(BrokenFile):
        list(segment.frames(b"PAR1" * 10))
    with pytest.raises(NewerFormat):
        list(segment.frames(b"KEEPFIT\x02" + segment.frame(b"{}")))
    assert list(segment.frames(b"")) == []
