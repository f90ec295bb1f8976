"""What holds of every ledger store.

Subclass `LedgerConformance` in a test module, name the class `Test…`, and give it the fixture `open_ledger`:

    class TestMyLedger(LedgerConformance):
        @pytest.fixture
        def open_ledger(self, tmp_path):
            return functools.partial(MyLedger, tmp_path / "ledger")
"""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from multiprocessing.process import BaseProcess
from typing import Any

import pytest

from keepfit import chain
from keepfit.errors import KeyConflict, Overtaken
from keepfit.ledger import GENESIS, Draft, Entry, Head, Ledger, entry_hash, hashed_text

__all__ = ["LedgerConformance", "OpenLedger"]

#: Gives a new handle on the same store for a project's name; it must be picklable, for it is called in other processes too.
OpenLedger = Callable[[str], Ledger]

#: Seconds before a test with several processes gives up.
PATIENCE = 120.0
PROCESSES = 8
APPENDS = 12
SHARED = 4
BATCH = 3

_AT = datetime(2013, 3, 1, 12, 30, tzinfo=UTC)


def _draft(key: str, kind: str = "fit", **body: Any) -> Draft:
    return Draft(kind, key, body, _AT, "tester")


@contextlib.contextmanager
def _opened(open_ledger: OpenLedger, project: str = "p") -> Iterator[Ledger]:
    ledger = open_ledger(project)
    try:
        yield ledger
    finally:
        ledger.close()


def _append_many(open_ledger: OpenLedger, writer: int, gate: Any) -> None:
    """A writer among several: its own keys one by one, and some that every writer appends."""
    gate.wait(PATIENCE)
    with _opened(open_ledger) as ledger:
        for number in range(APPENDS):
            ledger.append([_draft(f"own-{writer}-{number}", writer=writer)])
        for number in range(SHARED):
            ledger.append([_draft(f"shared-{number}", kind="shared")])


def _count_up(open_ledger: OpenLedger, writer: int, gate: Any) -> None:
    """A writer that adds one to a number which the others add to as well, resting each step on the newest entry."""
    gate.wait(PATIENCE)
    with _opened(open_ledger) as ledger:
        done = 0
        while done < APPENDS:
            last = ledger.last("count")
            number, seq = (last.body["number"], last.seq) if last else (0, 0)
            with contextlib.suppress(Overtaken):
                ledger.append([_draft(f"{writer}-{done}", "count", number=number + 1)], newest={"count": seq})
                done += 1


def _append_for_ever(open_ledger: OpenLedger) -> None:
    until, number = time.monotonic() + PATIENCE, 0
    with _opened(open_ledger) as ledger:
        while time.monotonic() < until:
            ledger.append([_draft(f"batch-{number}-{part}", filler="x" * 5000) for part in range(BATCH)])
            number += 1


def _start(act: Callable[..., None], *arguments: object) -> BaseProcess:
    process = multiprocessing.get_context("spawn").Process(target=act, args=arguments, daemon=True)
    process.start()
    return process


def _kinds(ledger: Ledger, texts: Sequence[tuple[int, str, str]], *heads: Head) -> list[tuple[str, int]]:
    return [(found.kind, found.seq) for found in chain.verify(texts, project=ledger.project, heads=heads).findings]


def _assert_whole(ledger: Ledger) -> None:
    assert chain.verify(ledger.texts(), project=ledger.project, heads=[ledger.head()]).findings == ()


class LedgerConformance:
    """Tests that a ledger store passes. Each gets an empty store from the fixture `open_ledger`."""

    @pytest.fixture
    def open_ledger(self) -> OpenLedger:
        raise NotImplementedError("give the fixture `open_ledger`: a picklable callable that opens the store for a project")

    @pytest.fixture
    def ledger(self, open_ledger: OpenLedger) -> Iterator[Ledger]:
        with _opened(open_ledger) as ledger:
            yield ledger

    def test_an_empty_ledger_has_no_entries_and_the_genesis_head(self, ledger: Ledger) -> None:
        assert ledger.project == "p"
        assert list(ledger.entries()) == []
        assert list(ledger.texts()) == []
        assert ledger.head() == Head(0, GENESIS)
        assert ledger.find("nothing") is None
        assert ledger.last("fit") is None
        assert ledger.append([]) == []

    def test_entries_come_back_in_order_and_as_they_were_answered(self, ledger: Ledger, open_ledger: OpenLedger) -> None:
        answered = [ledger.append([_draft(f"k{number}", number=number)])[0] for number in range(5)]
        answered += ledger.append([_draft(f"k{number}", number=number) for number in range(5, 9)])
        assert [entry.seq for entry in answered] == list(range(1, 10))
        assert list(ledger.entries()) == answered
        with _opened(open_ledger) as another:
            assert list(another.entries()) == answered

    def test_the_chain_is_made_of_the_texts_that_are_stored(self, ledger: Ledger) -> None:
        answered = ledger.append([_draft("a"), _draft("b", auc=0.1 + 0.2)]) + ledger.append([_draft("c")])
        prev = GENESIS
        for entry, (seq, text, hash_) in zip(answered, ledger.texts(), strict=True):
            assert (entry.seq, entry.prev, entry.hash) == (seq, prev, hash_)
            assert text == hashed_text(entry)
            assert hash_ == entry_hash(prev, text)
            prev = hash_
        assert ledger.head() == Head(3, prev)
        assert [seq for seq, _, _ in ledger.texts(after=1)] == [2, 3]
        _assert_whole(ledger)

    def test_times_are_kept_to_the_microsecond_in_utc(self, ledger: Ledger) -> None:
        at = datetime(2013, 3, 1, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=1)))
        before = datetime.now(UTC)
        [entry] = ledger.append([Draft("fit", "k", {}, at, "tester")])
        [other] = ledger.append([_draft("l")], recorded_at=at)
        assert entry.at == other.recorded_at == at
        assert entry.at.utcoffset() == timedelta()
        assert before <= entry.recorded_at <= datetime.now(UTC)
        with pytest.raises(ValueError, match="offset"):
            ledger.append([Draft("fit", "m", {}, at.replace(tzinfo=None), "tester")])
        with pytest.raises(ValueError, match="offset"):
            ledger.append([_draft("m")], recorded_at=at.replace(tzinfo=None))

    def test_a_key_that_is_there_gives_its_entry_and_appends_nothing(self, ledger: Ledger, open_ledger: OpenLedger) -> None:
        [first] = ledger.append([_draft("k", number=1)])
        assert ledger.append([_draft("k", number=2)]) == [first]
        with _opened(open_ledger) as another:
            assert another.append([_draft("k", number=3)]) == [first]
            assert another.find("k") == first
        assert ledger.head() == Head(1, first.hash)

    def test_a_batch_mixes_new_and_known_keys_in_the_order_of_the_drafts(self, ledger: Ledger) -> None:
        [known] = ledger.append([_draft("b")])
        answered = ledger.append([_draft("a"), _draft("b"), _draft("c"), _draft("a", number=2)])
        assert [entry.key for entry in answered] == ["a", "b", "c", "a"]
        assert [entry.seq for entry in answered] == [2, 1, 3, 2]
        assert answered[1] == known
        assert answered[0] == answered[3]
        _assert_whole(ledger)

    def test_a_key_of_another_kind_is_a_conflict_and_stores_nothing_of_the_batch(self, ledger: Ledger) -> None:
        [first] = ledger.append([_draft("k", kind="fit")])
        with pytest.raises(KeyConflict, match="'k'"):
            ledger.append([_draft("new"), _draft("k", kind="verdict")])
        with pytest.raises(KeyConflict, match="'m'"):
            ledger.append([_draft("m", kind="fit"), _draft("m", kind="verdict")])
        assert list(ledger.entries()) == [first]
        assert [entry.seq for entry in ledger.append([_draft("new")])] == [2]

    @pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
    def test_a_body_with_nan_or_infinity_is_refused_with_its_whole_batch(self, ledger: Ledger, number: float) -> None:
        with pytest.raises(ValueError, match="NaN"):
            ledger.append([_draft("good"), _draft("bad", deep=[{"value": number}])])
        assert ledger.head() == Head()
        assert len(ledger.append([_draft("good")])) == 1

    @pytest.mark.parametrize("name", ["", "a\nb", "a\0b", "x" * 501])
    def test_a_key_that_cannot_be_indexed_is_refused(self, ledger: Ledger, name: str) -> None:
        with pytest.raises(ValueError, match="key"):
            ledger.append([_draft(name)])
        assert ledger.head() == Head()

    def test_who_has_not_seen_the_newest_entry_of_a_kind_is_refused_and_nothing_is_stored(self, ledger: Ledger) -> None:
        [first] = ledger.append([_draft("a", "action")], newest={"action": 0, "release": 0})
        [second] = ledger.append([_draft("b", "action"), _draft("other")], newest={"action": first.seq})[:1]
        with pytest.raises(Overtaken, match=f"entry {second.seq} "):
            ledger.append([_draft("c", "action"), _draft("more")], newest={"release": 0, "action": first.seq})
        assert ledger.find("c") is None
        assert ledger.find("more") is None
        assert [entry.seq for entry in ledger.append([_draft("c", "action")], newest={"action": second.seq, "fit": 9})] == [4]
        _assert_whole(ledger)

    def test_what_is_there_already_is_given_to_who_was_overtaken_too(self, ledger: Ledger) -> None:
        answered = ledger.append([_draft("a", "action"), _draft("b", "action")], newest={"action": 0})
        assert ledger.append([_draft("a", "action"), _draft("b", "action")], newest={"action": 0}) == answered

    def test_many_processes_that_rest_on_the_newest_entry_take_turns(self, open_ledger: OpenLedger) -> None:
        gate = multiprocessing.get_context("spawn").Barrier(SHARED)
        writers = [_start(_count_up, open_ledger, number, gate) for number in range(SHARED)]
        for writer in writers:
            writer.join(PATIENCE)
        assert [writer.exitcode for writer in writers] == [0] * SHARED
        with _opened(open_ledger) as ledger:
            assert [entry.body["number"] for entry in ledger.entries()] == list(range(1, SHARED * APPENDS + 1))
            _assert_whole(ledger)

    def test_a_large_batch_is_one_transaction_and_reads_in_pages(self, ledger: Ledger) -> None:
        drafts = [_draft(f"k{number}", kind="even" if number % 2 == 0 else "odd") for number in range(1201)]
        answered = ledger.append(drafts)
        assert list(ledger.entries()) == answered
        assert [entry.seq for entry in ledger.entries(kind="odd", after=1000)] == list(range(1002, 1201, 2))
        assert ledger.append(drafts) == answered
        _assert_whole(ledger)

    def test_entries_are_read_by_kind_and_by_place(self, ledger: Ledger) -> None:
        a, _, c, d = ledger.append([_draft("a", "fit"), _draft("b", "verdict"), _draft("c", "fit"), _draft("d", "verdict")])
        assert list(ledger.entries(kind="fit")) == [a, c]
        assert list(ledger.entries(after=2)) == [c, d]
        assert list(ledger.entries(kind="verdict", after=2)) == [d]
        assert list(ledger.entries(kind="none")) == []
        assert (ledger.last("fit"), ledger.last("verdict"), ledger.last("none")) == (c, d, None)

    def test_appending_while_reading_is_allowed(self, ledger: Ledger, open_ledger: OpenLedger) -> None:
        ledger.append([_draft(f"k{number}") for number in range(3)])
        with _opened(open_ledger) as another:
            for entry in ledger.entries():
                if entry.seq > 6:
                    break
                another.append([_draft(f"other-{entry.seq}")])
                ledger.append([_draft(f"more-{entry.seq}")])
        assert ledger.head().seq >= 6
        _assert_whole(ledger)

    def test_projects_of_one_store_do_not_see_each_other(self, open_ledger: OpenLedger) -> None:
        with _opened(open_ledger, "one") as one, _opened(open_ledger, "two") as two:
            [first] = one.append([_draft("k", kind="fit")])
            [second] = two.append([_draft("k", kind="verdict")])
            one.append([_draft("l")])
            assert (first.seq, first.prev, second.seq, second.prev) == (1, GENESIS, 1, GENESIS)
            assert list(two.entries()) == [second]
            assert two.find("l") is None
            assert two.last("fit") is None
            assert (one.head().seq, two.head().seq) == (2, 1)
            _assert_whole(one)
            _assert_whole(two)

    def test_every_text_and_number_comes_back_as_it_was(self, ledger: Ledger) -> None:
        body: dict[str, Any] = {
            "text": "Straße 東京 🛫 \u0000 \\ \" ' % ? \u2028\r\n\t",
            "Ключ": [0.1 + 0.2, 1e-320, 1.7976931348623157e308, -0.0, 2**63 - 1, -(2**63), True, None, [], {}],
            "numbers": {"1": 1, "1.0": 1.0},
        }
        [entry] = ledger.append([Draft("прогон", "ключ ☂", body, _AT, "Zoë")])
        assert ledger.find("ключ ☂") == entry
        assert ledger.last("прогон") == entry
        assert dict(entry.body) == body
        assert repr(entry.body["Ключ"]) == repr(body["Ключ"])
        _assert_whole(ledger)

    def test_a_body_of_several_megabytes_is_kept(self, ledger: Ledger) -> None:
        body = {"filler": "é" * 2_000_000}
        ledger.append([Draft("fit", "big", body, _AT, "tester")])
        found = ledger.find("big")
        assert found is not None
        assert found.body == body
        _assert_whole(ledger)

    def test_a_probe_appends_nothing_and_may_be_repeated(self, ledger: Ledger, open_ledger: OpenLedger) -> None:
        ledger.probe()
        [entry] = ledger.append([_draft("a")])
        ledger.probe()
        with _opened(open_ledger) as another:
            another.probe()
            assert list(another.entries()) == [entry]

    def test_a_closed_handle_may_be_closed_again(self, open_ledger: OpenLedger) -> None:
        ledger = open_ledger("p")
        ledger.append([_draft("k")])
        ledger.close()
        ledger.close()

    def test_many_processes_at_once_on_a_new_store_lose_nothing(self, open_ledger: OpenLedger) -> None:
        gate = multiprocessing.get_context("spawn").Barrier(PROCESSES)
        writers = [_start(_append_many, open_ledger, number, gate) for number in range(PROCESSES)]
        for writer in writers:
            writer.join(PATIENCE)
        assert [writer.exitcode for writer in writers] == [0] * PROCESSES
        with _opened(open_ledger) as ledger:
            keys = [entry.key for entry in ledger.entries()]
            own = {f"own-{writer}-{number}" for writer in range(PROCESSES) for number in range(APPENDS)}
            assert len(keys) == PROCESSES * APPENDS + SHARED
            assert set(keys) == own | {f"shared-{number}" for number in range(SHARED)}
            _assert_whole(ledger)

    def test_a_process_killed_while_it_appends_leaves_a_whole_chain(self, open_ledger: OpenLedger) -> None:
        writer = _start(_append_for_ever, open_ledger)
        with _opened(open_ledger) as ledger:
            until = time.monotonic() + PATIENCE
            while ledger.head().seq < 4 * BATCH and time.monotonic() < until and writer.is_alive():
                time.sleep(0.002)
            writer.kill()
            writer.join(PATIENCE)
            assert writer.exitcode == -signal.SIGKILL
            [after] = ledger.append([_draft("after", kind="after")])  # waits for what the store still does for the dead writer
            appended = sum(1 for _ in ledger.entries(kind="fit"))
            assert appended >= 4 * BATCH
            assert appended % BATCH == 0
            assert after.seq == appended + 1
            _assert_whole(ledger)

    def test_verification_finds_what_was_changed(self, ledger: Ledger) -> None:
        answered = ledger.append([_draft(f"k{number}", number=number) for number in range(5)])
        texts, head = list(ledger.texts()), ledger.head()
        assert _kinds(ledger, texts, head) == []

        altered = [(seq, text.replace('"number":2', '"number":9'), hash_) for seq, text, hash_ in texts]
        assert _kinds(ledger, altered) == [("altered", 3)]
        assert _kinds(ledger, _rewritten(texts, answered[2])) == [("altered", 3)]
        assert _kinds(ledger, texts[:2] + texts[3:]) == [("removed", 3)]
        assert _kinds(ledger, [*texts[:1], texts[2], texts[1], *texts[3:]]) == [("reordered", 2)]
        assert _kinds(ledger, texts[:3], head) == [("cut", 4)]
        assert _kinds(ledger, texts[:3]) == []  # a chain cannot show this by itself
        assert _kinds(ledger, [], head) == [("cut", 1)]


def _rewritten(texts: Sequence[tuple[int, str, str]], entry: Entry) -> list[tuple[int, str, str]]:
    """The chain with one entry changed and given a hash that fits it."""
    result = list(texts)
    text = hashed_text(entry).replace('"actor":"tester"', '"actor":"nobody"')
    result[entry.seq - 1] = (entry.seq, text, entry_hash(entry.prev, text))
    return result
