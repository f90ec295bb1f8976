"""The ledger: everything that was decided, in order, in a chain that shows any change.

An entry's `hash` is the hexadecimal SHA-256 of the 64 characters of `prev` followed by the canonical
JSON of the entry without its hash. Stores keep that text as it was hashed, so that a script without
keepfit can verify an export. The body holds ids, digests, counts and numbers, never a value from a row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from json.encoder import encode_basestring
from typing import Any, ClassVar, Protocol

import msgspec

from keepfit.digest import canonical
from keepfit.errors import BrokenChain, KeyConflict, NewerFormat, Overtaken
from keepfit.instant import show
from keepfit.record import plain

__all__ = [
    "GENESIS",
    "Draft",
    "Entry",
    "Head",
    "Ledger",
    "Resting",
    "chain",
    "check_newest",
    "entry_hash",
    "hashed_text",
    "place",
    "read_entry",
]

#: What stands before the first entry.
GENESIS = "0" * 64
#: Keys and kinds are indexed by every store, so they are short and free of control characters.
LONGEST_NAME = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger.

    `at` is the instant that the entry speaks of (a simulated clock's, where there is one), `recorded_at`
    the wall clock's when it was written. `key` names the cause: appending the same key again gives the
    entry that is there.
    """

    record: ClassVar[str] = "entry"
    version: ClassVar[int] = 1

    project: str
    seq: int
    kind: str
    key: str
    at: datetime
    recorded_at: datetime
    actor: str
    body: Mapping[str, Any]
    prev: str
    hash: str


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before it has its place in the chain.

    Raises
    ------
    ValueError
        `at` has no offset, or kind or key is empty, longer than `LONGEST_NAME` or unprintable.
    """

    kind: str
    key: str
    body: Mapping[str, Any]
    at: datetime
    actor: str

    def __post_init__(self) -> None:
        for word, name in (("kind", self.kind), ("key", self.key)):
            if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
                raise ValueError(f"an entry's {word} has 1 to {LONGEST_NAME} printable characters")
        if self.at.tzinfo is None:
            raise ValueError("an entry's time needs an offset")


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a chain: `seq` 0 and `GENESIS` while there is none."""

    seq: int = 0
    hash: str = GENESIS


def hashed_text(entry: Entry) -> str:
    """The canonical JSON that is hashed and stored: the entry without its hash."""
    draft = Draft(entry.kind, entry.key, entry.body, entry.at, entry.actor)
    return _text(entry.project, entry.seq, entry.prev, draft, show(entry.at), show(entry.recorded_at), _body_text(entry.body))


def _text(project: str, seq: int, prev: str, draft: Draft, at: str, recorded_at: str, body: str) -> str:
    # `canonical` of the whole form, put together by hand: half of an append in a batch is making this text.
    actor, key, kind, name = map(encode_basestring, (draft.actor, draft.key, draft.kind, project))
    return (
        f'{{"actor":{actor},"at":"{at}","body":{body},"key":{key},"kind":{kind},"prev":"{prev}",'
        f'"project":{name},"recorded_at":"{recorded_at}","seq":{seq},"version":{Entry.version}}}'
    )


def _body_text(body: Mapping[str, Any]) -> str:
    try:
        return canonical(body)
    except (TypeError, ValueError):  # records and times inside; or NaN, which `plain` refuses in clear words
        return canonical(plain(body))


def entry_hash(prev: str, text: str) -> str:
    """The hash that an entry with this text has after `prev`."""
    return hashlib.sha256((prev + text).encode()).hexdigest()


def read_entry(text: str, hash: str) -> Entry:  # noqa: A002 -- the record's own word
    """An entry from what a store keeps.

    Raises
    ------
    NewerFormat
        A newer keepfit wrote it.
    BrokenChain
        The text is no entry.
    """
    try:
        form = msgspec.json.decode(text)
        if form["version"] > Entry.version:
            fix = "install the keepfit that wrote it, or a later one"
            raise NewerFormat(f"a ledger entry is of version {form['version']}; this keepfit reads up to {Entry.version}", fix=fix)
        form["hash"] = hash
        return msgspec.convert(form, Entry)
    except (msgspec.MsgspecError, TypeError, KeyError, ValueError) as error:
        fix = "run `keepfit ledger verify` to see what was changed"
        raise BrokenChain(f"a stored ledger entry (hash {hash[:12]}…) cannot be read", fix=fix) from error


def chain(project: str, head: Head, drafts: Sequence[Draft], recorded_at: datetime) -> Iterator[tuple[Entry, str]]:
    """Give drafts their places after `head`: entries with the texts to store.

    Raises
    ------
    ValueError
        A body holds NaN or infinity, or `recorded_at` has no offset.
    """
    if recorded_at.tzinfo is None:
        raise ValueError("an entry's time needs an offset")
    recorded_at = recorded_at.astimezone(UTC)
    seq, prev, written = head.seq, head.hash, show(recorded_at)
    at, shown = recorded_at, written
    for draft in drafts:
        seq += 1
        if draft.at != at:  # one batch mostly speaks of one instant
            at, shown = draft.at.astimezone(UTC), show(draft.at)
        body = _body_text(draft.body)
        text = _text(project, seq, prev, draft, shown, written, body)
        hash_ = entry_hash(prev, text)
        # The body as it will be read: lists for tuples, and not the caller's own, which may change.
        yield Entry(project, seq, draft.kind, draft.key, at, recorded_at, draft.actor, msgspec.json.decode(body), prev, hash_), text
        prev = hash_


def place(
    project: str, head: Head, drafts: Sequence[Draft], there: Mapping[str, Entry], recorded_at: datetime
) -> tuple[list[Entry], list[tuple[Entry, str]]]:
    """What an append answers and what it stores: the part of every store that is not storage.

    Parameters
    ----------
    there : the entries that the store has already under the drafts' keys

    Returns
    -------
    the answer to each draft, in order; the new entries with their texts

    Raises
    ------
    KeyConflict
        A key is there, or twice among the drafts, with another kind.
    ValueError
        As in `chain`.
    """
    fresh: dict[str, Draft] = {}
    for draft in drafts:
        first = there.get(draft.key) or fresh.setdefault(draft.key, draft)
        if first.kind != draft.kind:
            fix = "an entry's key names one cause for ever; this is a defect of whoever made the second key"
            raise KeyConflict(f"key {draft.key!r} belongs to an entry of kind {first.kind!r}, not {draft.kind!r}", at=project, fix=fix)
    new = list(chain(project, head, list(fresh.values()), recorded_at))
    known = {entry.key: entry for entry, _ in new}
    return [there.get(draft.key) or known[draft.key] for draft in drafts], new


class Resting:
    """A ledger for someone who has seen the newest entries of some kinds: once there are newer ones, appends are refused.

    Parameters
    ----------
    newest : as for `Ledger.append`; it holds for every append
    """

    def __init__(self, ledger: Ledger, newest: Mapping[str, int]) -> None:
        self.project = ledger.project
        self._ledger, self._newest = ledger, dict(newest)

    def append(
        self, drafts: Sequence[Draft], *, recorded_at: datetime | None = None, newest: Mapping[str, int] | None = None
    ) -> list[Entry]:
        return self._ledger.append(drafts, recorded_at=recorded_at, newest={**self._newest, **(newest or {})})

    def entries(self, *, kind: str | None = None, after: int = 0) -> Iterator[Entry]:
        return self._ledger.entries(kind=kind, after=after)

    def find(self, key: str) -> Entry | None:
        return self._ledger.find(key)

    def last(self, kind: str) -> Entry | None:
        return self._ledger.last(kind)

    def head(self) -> Head:
        return self._ledger.head()

    def texts(self, *, after: int = 0) -> Iterator[tuple[int, str, str]]:
        return self._ledger.texts(after=after)

    def close(self) -> None:
        self._ledger.close()


def check_newest(project: str, newest: Mapping[str, int], last: Callable[[str], int]) -> None:
    """Refuse an append of someone who has not seen the newest entries: the part of it that is not storage.

    Parameters
    ----------
    newest : kind -> place of the newest entry of that kind that the writer knows of, 0 for none
    last : the place of the newest entry of a kind that is stored, 0 for none

    Raises
    ------
    Overtaken
        There is a newer entry of one of the kinds.
    """
    for kind, seq in newest.items():
        if (found := last(kind)) > seq:
            fix = "nothing is lost: run this again, and it goes on from what holds now"
            raise Overtaken(f"entry {found} ({kind}) was written meanwhile, after entry {seq} on which this rests", at=project, fix=fix)


class Ledger(Protocol):
    """Where one project's entries are kept.

    Safe for many processes at once. `keepfit.testing.LedgerConformance` says in tests what holds.
    """

    project: str

    def append(
        self, drafts: Sequence[Draft], *, recorded_at: datetime | None = None, newest: Mapping[str, int] | None = None
    ) -> list[Entry]:
        """Append in one transaction, all or nothing; give the entries in the drafts' order.

        A draft whose key is there already appends nothing and gives the entry that is there.

        Parameters
        ----------
        newest : kind -> place of the newest entry of that kind on which the drafts rest, 0 for none

        Raises
        ------
        Overtaken
            A draft is new, and there is a newer entry of a kind in `newest`.
        KeyConflict
            The key is there with another kind.
        LedgerUnreachable
            The store cannot be opened or did not answer.
        CannotWrite
            The disk is full or may not be written.
        """
        ...

    def entries(self, *, kind: str | None = None, after: int = 0) -> Iterator[Entry]:
        """Entries in order, those of one kind, or those after a place in the chain."""
        ...

    def find(self, key: str) -> Entry | None:
        """The entry with this key."""
        ...

    def last(self, kind: str) -> Entry | None:
        """The newest entry of one kind."""
        ...

    def head(self) -> Head:
        """The last entry's place and hash."""
        ...

    def texts(self, *, after: int = 0) -> Iterator[tuple[int, str, str]]:
        """What is stored, as it is stored, for verification: seq, text, hash."""
        ...

    def probe(self) -> None:
        """Show that an entry could be appended now, without appending one; raises as `append` does."""
        ...

    def close(self) -> None:
        """Give the connection back."""
        ...
