from __future__ import annotations

import hashlib
import hmac
import time
import uuid

from keepfit.prediction import new_id, subject_token


def test_an_id_is_a_uuid_of_version_7_of_its_millisecond():
    before = time.time_ns() // 1_000_000
    made = uuid.UUID(new_id())
    after = time.time_ns() // 1_000_000
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert before <= made.int >> 80 <= after


def test_ids_are_unique_and_sort_by_the_time_of_their_making(monkeypatch):
    instants = iter(range(4_000_000_000_000, 4_000_000_000_000 + 2000))
    monkeypatch.setattr(time, "time_ns", lambda: next(instants) * 1_000_000)
    ids = [new_id() for _ in range(2000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 2000


def test_a_subject_s_token_is_hmac_sha256_cut_to_128_bits():
    token = subject_token(b"secret", "Zoë")
    assert token == hmac.new(b"secret", "Zoë".encode(), hashlib.sha256).hexdigest()[:32]
    assert token != subject_token(b"other", "Zoë")
    assert token != subject_token(b"secret", "zoë")
