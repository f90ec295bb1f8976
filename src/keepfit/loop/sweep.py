"""Sweep: remove what roles, rollback and later comparisons no longer need; `verify` stays whole."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias

from keepfit import chain, digest, errors
from keepfit.candidate import Candidate
from keepfit.ledger import Entry
from keepfit.snapshot import Part, Snapshot
from keepfit.stores.leftovers import leftovers
from keepfit.workspace import Workspace

__all__ = ["Heap", "Sweep", "sweep"]

#: What lies about. `models` and `parts` are named by entries, so their removal is an entry too; the rest never was.
Kind: TypeAlias = Literal["models", "parts", "unnamed", "searches", "leftovers"]

#: What is younger than this many seconds may belong to a command that has not written its entry yet.
_YOUNG = 3600.0
#: Digests in one entry, so that none grows without bound.
_AT_ONCE = 500
#: Larger artifacts are models, which name nothing.
_MANIFEST = 16 << 20
_DIGEST = re.compile(rb"b3:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Heap:
    """Files of one kind that are no longer needed, as paths below `.keepfit`, and why."""

    kind: Kind
    name: str
    because: str
    files: tuple[str, ...]
    bytes: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """What is no longer needed, and whether it was removed. `kept` names the candidates whose models stay."""

    record: ClassVar[str] = "sweep"
    version: ClassVar[int] = 1

    removed: bool
    heaps: tuple[Heap, ...]
    kept: tuple[str, ...]

    @property
    def bytes(self) -> int:
        return sum(heap.bytes for heap in self.heaps)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the ledger knows: candidates and snapshots with their entries, oldest first."""

    candidates: Mapping[str, tuple[Candidate, Entry]]
    snapshots: Mapping[str, tuple[Snapshot, Entry]]


def sweep(ws: Workspace, *, now: datetime, keep: int, age: timedelta, remove: bool) -> Sweep:
    """Find, and with `remove` remove, what is no longer needed.

    Kept are: the models of every release in a role and of the champion before; those of the newest `keep` releases; every
    model and snapshot younger than `age`; the newest snapshot of each source; what a kept model was fitted and tested on.
    Manifests, evaluations, verdicts, profiles, predictions and labels stay, and so does every entry.
    """
    known = _known(ws)
    kept = _kept(ws, known, now=now, keep=keep, age=age)
    models, named = _models(ws, known, kept)
    parts, in_parts = _parts(ws, known, kept, now=now, age=age)
    before = time.time() - _YOUNG
    heaps = [*models, *parts, *_unnamed(ws, known, before), *_searches(ws, before), *_leftovers(ws, before)]
    found = Sweep(False, tuple(heap for heap in heaps if heap.files), tuple(sorted(kept, key=_number)))
    if not remove:
        return found
    _write_down(ws, [*named, *in_parts], found, now)
    for heap in found.heaps:
        for file in heap.files:
            _remove(ws.home / file)
    return replace(found, removed=True)


def _known(ws: Workspace) -> _Known:
    candidates, snapshots = {}, {}
    for entry in ws.ledger.entries(kind="fit"):
        candidate = ws.artifacts.get_record(Candidate, entry.body["artifacts"]["candidate"])
        candidates[candidate.id] = (candidate, entry)
    for entry in ws.ledger.entries(kind="snapshot"):
        name = entry.body["artifacts"]["snapshot"]
        snapshots[name] = (ws.artifacts.get_record(Snapshot, name), entry)
    return _Known(candidates, snapshots)


def _kept(ws: Workspace, known: _Known, *, now: datetime, keep: int, age: timedelta) -> set[str]:
    """The candidates whose models stay."""
    behind = {entry.body["release"]: entry.body["candidate"] for entry in ws.ledger.entries(kind="release")}
    roles = ws.roles()
    held = [roles.champion, roles.canary, roles.shadow, roles.previous]
    newest = sorted(behind, key=_number)[-keep:] if keep else []
    young = {name for name, (_, entry) in known.candidates.items() if entry.at > now - age}
    return {behind[name] for name in (*held, *newest) if name in behind} | young


def _number(name: str) -> int:
    """The number in the name of a candidate or a release: they are counted."""
    return int(re.sub(r"\D", "", name) or 0)


def _models(ws: Workspace, known: _Known, kept: set[str]) -> tuple[list[Heap], list[str]]:
    """The models of candidates that are not kept, with their releases' folders; and the digests that go."""
    needed = {named for name in kept for named in _files_of(*known.candidates[name])}
    released: dict[str, list[str]] = {}
    for entry in ws.ledger.entries(kind="release"):
        released.setdefault(entry.body["candidate"], []).append(entry.body["release"])
    heaps, gone = [], []
    for name, (candidate, entry) in known.candidates.items():
        if name in kept:
            continue
        digests = [one for one in _files_of(candidate, entry) if one not in needed and ws.artifacts.path(one).exists()]
        folders = [folder for one in dict.fromkeys(released.get(name, [])) if (folder := ws.release_folder(one)).exists()]
        paths = [*map(ws.artifacts.path, digests), *folders]
        because = f"{candidate.estimator}, fitted {entry.at:%Y-%m-%d}; in no role" + (f", released as {folders[0].name}" if folders else "")
        heaps.append(_heap(ws, "models", name, because, paths))
        gone += digests
    return heaps, list(dict.fromkeys(gone))


def _files_of(candidate: Candidate, entry: Entry) -> list[str]:
    """The digests of what only serving and scoring need: the model's files, and the rows of the self-test."""
    sample = entry.body["artifacts"].get("sample")
    return [*candidate.files.values(), *([sample] if sample else [])]


def _parts(ws: Workspace, known: _Known, kept: set[str], *, now: datetime, age: timedelta) -> tuple[list[Heap], list[str]]:
    """The parts of snapshots that nothing needs any more, and parts that no snapshot ever named; with the digests of the former."""
    newest = {snapshot.origin: name for name, (snapshot, _) in known.snapshots.items()}
    wanted = {named for name in kept for named in known.candidates[name][0].snapshots} | set(newest.values())
    wanted |= {name for name, (_, entry) in known.snapshots.items() if entry.at > now - age}
    files_kept = {file for name in wanted if name in known.snapshots for part in known.snapshots[name][0].parts for file, _ in _of(part)}
    heaps, gone, seen = [], [], set(files_kept)
    for name, (snapshot, entry) in known.snapshots.items():
        files = [(file, named) for part in snapshot.parts for file, named in _of(part)]
        fresh = [(file, named) for file, named in files if file not in seen and (ws.tables.folder / file).exists()]
        seen |= {file for file, _ in files}
        if name in wanted:
            continue
        because = f"{snapshot.rows:,} rows of {snapshot.origin}, taken {entry.at:%Y-%m-%d}; no model that is kept learned from it"
        heaps.append(_heap(ws, "parts", f"entry {entry.seq}", because, [ws.tables.folder / file for file, _ in fresh]))
        gone += [named for _, named in fresh]
    stray = [path for path in ws.tables.folder.glob("*.parquet") if path.name not in seen and path.stat().st_mtime < time.time() - _YOUNG]
    heaps.append(_heap(ws, "unnamed", "parts", "no snapshot names them", stray))
    return heaps, list(dict.fromkeys(gone))


def _of(part: Part) -> Iterator[tuple[str, str]]:
    """The files of a part with their digests."""
    yield part.file, part.digest
    if part.private_file and part.private:
        yield part.private_file, part.private


def _unnamed(ws: Workspace, known: _Known, before: float) -> list[Heap]:
    """Artifacts that no entry names, nor anything that an entry names: their command was stopped before its entry."""
    reached: set[str] = set()
    waiting = [name for entry in ws.ledger.entries() for name in chain.named_artifacts(entry.body)]
    while waiting:
        name = waiting.pop()
        path = ws.artifacts.path(name)
        if name in reached or not path.is_file():
            continue
        reached.add(name)
        if path.stat().st_size <= _MANIFEST:
            waiting += {found.decode() for found in _DIGEST.findall(path.read_bytes())} - reached
    files = {ws.artifacts.path(name) for name in reached}
    stray = [path for path in ws.artifacts.folder.glob("??/*") if path not in files and not path.name.startswith(".")]
    old = [path for path in stray if path.is_file() and path.stat().st_mtime < before]
    return [_heap(ws, "unnamed", "artifacts", "no entry names them", sorted(old))]


def _searches(ws: Workspace, before: float) -> list[Heap]:
    """The journals of searches whose fit is done."""
    done = {f"search-{cause[3:35]}.jsonl" for entry in ws.ledger.entries(kind="fit") if (cause := entry.body["artifacts"].get("cause"))}
    found = [path for path in (ws.home / "run").glob("search-*.jsonl") if path.name in done or path.stat().st_mtime < before - 30 * 86_400]
    return [_heap(ws, "searches", "journals", "their search is over, or a month old", sorted(found))]


def _leftovers(ws: Workspace, before: float) -> list[Heap]:
    return [_heap(ws, "leftovers", "unfinished files", "their writer was killed", leftovers(ws.home, before=before))]


def _heap(ws: Workspace, kind: Kind, name: str, because: str, paths: Iterable[Path]) -> Heap:
    listed = list(paths)
    size = sum(one.stat().st_size for path in listed for one in (path.rglob("*") if path.is_dir() else [path]) if one.is_file())
    return Heap(kind, name, because, tuple(path.relative_to(ws.home).as_posix() for path in listed), size)


def _write_down(ws: Workspace, gone: list[str], found: Sweep, now: datetime) -> None:
    """Name what goes before it goes: a removal that is cut off leaves nothing missing that no entry names."""
    if not found.heaps:
        return
    last = ws.ledger.last("gc")
    counts: dict[str, Any] = {
        "files": sum(len(heap.files) for heap in found.heaps),
        "bytes": found.bytes,
        "candidates": [heap.name for heap in found.heaps if heap.kind == "models"],
    }
    pieces = [gone[begin : begin + _AT_ONCE] for begin in range(0, len(gone), _AT_ONCE)] or [[]]
    cause = [last.seq if last else 0, digest.of_value([heap.files for heap in found.heaps])]
    bodies = [([*cause, number], {**(counts if number == 0 else {}), "removed": piece}) for number, piece in enumerate(pieces)]
    ws.append_all("gc", bodies, at=now)


def _remove(path: Path) -> None:
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        fix = "change its rights, then run keepfit gc --yes again"
        raise errors.CannotWrite(f"cannot remove: {error.strerror}", at=str(path), fix=fix) from error
