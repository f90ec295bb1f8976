"""Verification: what the chain of a ledger, its known heads and its artifacts say about each other.

A chain shows any change inside itself. It cannot show that its end was cut off, so heads that were
written down elsewhere (`keepfit.lock`, the header of an export) are compared with it. A missing
artifact is a finding unless an erasure or a clean-up names it; one whose bytes changed always is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from keepfit.digest import of_file
from keepfit.errors import CannotRead
from keepfit.ledger import GENESIS, Head, entry_hash

__all__ = ["ArtifactState", "Finding", "Verification", "artifacts_at", "named_artifacts", "removed_by", "verify"]

Kind = Literal["altered", "removed", "reordered", "cut", "artifact_missing", "artifact_changed"]
ArtifactState = Literal["there", "missing", "changed"]

_ARTIFACT = re.compile(r"b3:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was written; `seq` is the entry's place, or where it should be."""

    kind: Kind
    seq: int
    explanation: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was looked at, and everything that was found."""

    record: ClassVar[str] = "verification"
    version: ClassVar[int] = 1

    project: str
    entries: int
    head: Head
    artifacts: int
    findings: tuple[Finding, ...]

    @property
    def whole(self) -> bool:
        return not self.findings


@dataclass(slots=True)
class _Seen:
    """What the entries say, gathered in one pass over their texts."""

    links: dict[int, tuple[str | None, str]] = field(default_factory=dict)  #: seq -> prev where it can be read, hash
    order: list[int] = field(default_factory=list)  #: places in the order of storage
    named: dict[str, int] = field(default_factory=dict)  #: artifact -> first seq that names it
    erased: set[str] = field(default_factory=set)
    findings: dict[tuple[str, int], Finding] = field(default_factory=dict)

    def found(self, kind: Kind, seq: int, explanation: str) -> None:
        self.findings.setdefault((kind, seq), Finding(kind, seq, explanation))


def verify(
    texts: Iterable[tuple[int, str, str]],
    *,
    project: str,
    heads: Iterable[Head] = (),
    artifact: Callable[[str], ArtifactState] | None = None,
) -> Verification:
    """Check a chain.

    Parameters
    ----------
    texts : seq, text and hash of each entry as they are stored (`Ledger.texts`)
    heads : heads of this chain that are known from elsewhere; a head may lag behind the chain
    artifact : tells the state of an artifact by its digest (`artifacts_at`); without it none is looked at

    Examples
    --------
    >>> verify([], project="p").whole
    True
    >>> [f.kind for f in verify([], project="p", heads=[Head(3, "a" * 64)]).findings]
    ['cut']
    """
    seen = _Seen()
    for seq, text, hash_ in texts:
        _look_at(seen, project, seq, text, hash_)
    last = max(seen.order, default=0)
    _check_order(seen)
    _check_links(seen)
    _check_heads(seen, heads, last)
    looked_at = _check_artifacts(seen, artifact) if artifact is not None else 0
    head = Head(last, seen.links[last][1]) if last else Head()
    findings = sorted(seen.findings.values(), key=lambda finding: finding.seq)
    return Verification(project, len(seen.order), head, looked_at, tuple(findings))


def _look_at(seen: _Seen, project: str, seq: int, text: str, hash_: str) -> None:
    form = _form(text)
    if form is None or _hash_of(form["prev"], text) != hash_:
        seen.order.append(seq)
        seen.links.setdefault(seq, (None, hash_))
        seen.found("altered", seq, f"entry {seq} is not the text that its hash was made of")
        return
    place = form["seq"]
    if place != seq:
        seen.found("reordered", place, f"entry {place} is kept at place {seq}")
    if place in seen.links:
        seen.found("reordered", place, f"there is more than one entry {place}")
    if form.get("project") != project:
        seen.found("altered", place, f"entry {place} belongs to another project")
    seen.order.append(place)
    seen.links[place] = (form["prev"], hash_)
    body = form.get("body")
    if isinstance(body, dict):
        for name in named_artifacts(body):
            seen.named.setdefault(name, place)
        seen.erased.update(removed_by(form.get("kind"), body))


def _form(text: str) -> dict[str, Any] | None:
    try:
        form = json.loads(text)
    except (ValueError, RecursionError):
        return None
    fits = isinstance(form, dict) and type(form.get("seq")) is int and isinstance(form.get("prev"), str)
    return form if fits else None


def _hash_of(prev: str, text: str) -> str:
    try:
        return entry_hash(prev, text)
    except UnicodeEncodeError:
        return ""


def named_artifacts(body: Mapping[str, Any]) -> Iterator[str]:
    """The digests in `body["artifacts"]`, at any depth.

    >>> list(named_artifacts({"artifacts": {"model": "b3:" + "0" * 64}, "rows": 3})) == ["b3:" + "0" * 64]
    True
    """
    waiting: list[Any] = [body.get("artifacts")]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str) and _ARTIFACT.fullmatch(value):
            yield value
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list | tuple):
            waiting.extend(value)


def removed_by(kind: object, body: Mapping[str, Any]) -> Iterator[str]:
    """The digests of what an entry says was removed: an erasure's old one, those of a clean-up.

    >>> list(removed_by("gc", {"removed": ["b3:1", "b3:2"]})), list(removed_by("fit", {"removed": ["b3:1"]}))
    (['b3:1', 'b3:2'], [])
    """
    said = {"erasure": [body.get("old")], "gc": body.get("removed")}.get(str(kind))
    yield from (name for name in (said if isinstance(said, list) else ()) if isinstance(name, str))


def _check_order(seen: _Seen) -> None:
    highest = 0
    for place in seen.order:
        if place < highest:
            seen.found("reordered", place, f"entry {place} stands after entry {highest}")
        highest = max(highest, place)
    before = 0
    for place in sorted(set(seen.order)):
        if place > before + 1:
            missing = f"entry {before + 1} is" if place == before + 2 else f"entries {before + 1} to {place - 1} are"
            seen.found("removed", before + 1, f"{missing} missing")
        before = max(before, place)


def _check_links(seen: _Seen) -> None:
    for place, (prev, _) in seen.links.items():
        if prev is None:
            continue
        if place == 1 and prev != GENESIS:
            seen.found("altered", 1, "entry 1 is not the beginning of a chain")
        if place - 1 in seen.links and seen.links[place - 1][1] != prev:
            seen.found("altered", place - 1, f"entry {place - 1} is not the one that entry {place} was written after")


def _check_heads(seen: _Seen, heads: Iterable[Head], last: int) -> None:
    known = sorted((head for head in heads if head.seq > 0), key=lambda head: head.seq)
    if known and known[-1].seq > last:
        where = f"ends at entry {last}" if last else "is empty"
        seen.found("cut", last + 1, f"the chain {where}, and it had an entry {known[-1].seq}")
    for head in known:
        if head.seq in seen.links and seen.links[head.seq][1] != head.hash:
            seen.found("altered", head.seq, f"entry {head.seq} is not the one that was known as the head; the chain was written anew")


def _check_artifacts(seen: _Seen, state_of: Callable[[str], ArtifactState]) -> int:
    for name, place in seen.named.items():
        state = state_of(name)
        if state == "missing" and name not in seen.erased:
            seen.findings[name, place] = Finding("artifact_missing", place, f"artifact {name} is missing, and no erasure names it")
        elif state == "changed":
            seen.findings[name, place] = Finding("artifact_changed", place, f"artifact {name} has other bytes than its name says")
    return len(seen.named)


def artifacts_at(path_of: Callable[[str], Path]) -> Callable[[str], ArtifactState]:
    """What `verify` asks about artifacts, for files: `path_of` gives the path of a digest.

    Raises
    ------
    CannotRead
        From the function it gives: a file is there and cannot be opened.
    """

    def state_of(name: str) -> ArtifactState:
        path = path_of(name)
        try:
            return "there" if of_file(path) == name else "changed"
        except FileNotFoundError:
            return "missing"
        except OSError as error:
            why = error.strerror or str(error)
            raise CannotRead(f"an artifact cannot be read: {why}", at=str(path), fix="change its rights, or restore it") from error

    return state_of
