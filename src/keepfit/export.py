"""An export of the ledger: JSON lines that a stand-alone script verifies with the standard library.

The first line is the header: project, head, and the SHA-256 and size of every artifact that the
entries name and that was whole at the time, since BLAKE3 is not in the standard library. Then comes
one line per entry with its text and hash exactly as they are stored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from keepfit import record
from keepfit.chain import artifacts_at, named_artifacts
from keepfit.digest import canonical
from keepfit.errors import BrokenFile
from keepfit.ledger import Head, Ledger

__all__ = ["ArtifactCopy", "LedgerExport", "export", "read_export"]


@dataclass(frozen=True, slots=True)
class ArtifactCopy:
    """How to recognise an artifact's file without BLAKE3."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class LedgerExport:
    """The header of an export. Artifacts that were missing or changed when it was written are left out."""

    record: ClassVar[str] = "ledger-export"
    version: ClassVar[int] = 1

    project: str
    head: Head
    artifacts: dict[str, ArtifactCopy]


def export(ledger: Ledger, write: Callable[[str], object], artifact_path: Callable[[str], Path]) -> LedgerExport:
    """Write an export line by line; entries that are appended meanwhile are left out.

    Parameters
    ----------
    write : takes one line with its end
    artifact_path : gives the path of an artifact by its digest
    """
    head, names = Head(), dict[str, None]()
    for seq, text, hash_ in ledger.texts():
        head = Head(seq, hash_)
        names.update(dict.fromkeys(_names(text)))
    state_of = artifacts_at(artifact_path)
    whole = [name for name in names if state_of(name) == "there"]
    header = LedgerExport(ledger.project, head, {name: _copy_of(artifact_path(name)) for name in whole})
    write(record.text(header) + "\n")
    for seq, text, hash_ in ledger.texts():
        if seq > head.seq:
            break
        write(canonical({"seq": seq, "text": text, "hash": hash_}) + "\n")
    return header


def _names(text: str) -> Iterator[str]:
    try:
        body = json.loads(text)["body"]
    except (ValueError, TypeError, KeyError):
        return
    if isinstance(body, dict):
        yield from named_artifacts(body)


def _copy_of(path: Path) -> ArtifactCopy:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return ArtifactCopy(digest, file.tell())


def read_export(lines: Iterable[str], *, at: str = "") -> tuple[LedgerExport, Iterator[tuple[int, str, str]]]:
    """The header of an export, and its entries as `chain.verify` takes them.

    Raises
    ------
    NewerFormat
        A newer keepfit wrote it.
    BrokenFile
        It is no export; a damaged line raises when the entries are read.
    """
    rest = iter(lines)
    header = record.read(LedgerExport, next(rest, ""), at=at)
    return header, _entries(rest, at)


def _entries(lines: Iterator[str], at: str) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(lines, start=2):
        try:
            form: dict[str, Any] = msgspec.json.decode(line, type=dict)
            seq, text, hash_ = form["seq"], form["text"], form["hash"]
        except (msgspec.MsgspecError, KeyError) as error:
            raise BrokenFile("a line of the export is no entry", at=f"{at}: line {number}") from error
        if not (isinstance(seq, int) and isinstance(text, str) and isinstance(hash_, str)):
            raise BrokenFile("a line of the export is no entry", at=f"{at}: line {number}")
        yield seq, text, hash_
