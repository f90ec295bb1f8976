"""Artifacts: files named by the digest of their bytes."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from keepfit import digest, errors, files, record
from keepfit.record import Record

__all__ = ["Artifacts"]

T = TypeVar("T", bound=Record)


@dataclass(frozen=True, slots=True)
class Artifacts:
    """A folder of files `<2>/<64 hexadecimal characters>`; equal bytes are kept once."""

    folder: Path

    def path(self, name: str) -> Path:
        """Where the artifact of a digest lies, or would."""
        hexadecimal = name.removeprefix("b3:")
        return self.folder / hexadecimal[:2] / hexadecimal

    def put(self, data: bytes) -> str:
        """Keep bytes; give their digest."""
        name = digest.of_bytes(data)
        files.write_new(self.path(name), data)
        return name

    def put_file(self, path: Path) -> str:
        """Keep a file's bytes; give their digest."""
        name = digest.of_file(path)
        files.write_new(self.path(name), lambda beside: shutil.copyfile(path, beside))
        return name

    def put_record(self, value: Record) -> str:
        """Keep a record's canonical text; give its digest."""
        return self.put(record.text(value).encode())

    def get(self, name: str) -> bytes:
        """The bytes of a digest.

        Raises
        ------
        CannotRead, BrokenFile
            The artifact is missing, or its bytes are not those of its name.
        """
        path = self.path(name)
        try:
            data = path.read_bytes()
        except OSError as error:
            fix = "restore it from a backup of the project"
            raise errors.CannotRead(f"an artifact cannot be read: {error.strerror}", at=str(path), fix=fix) from error
        if digest.of_bytes(data) != name:
            fix = "restore it from a backup of the project"
            raise errors.BrokenFile("an artifact's bytes changed since it was written", at=str(path), fix=fix)
        return data

    def get_record(self, kind: type[T], name: str) -> T:
        """The record of a digest; raises as `get` and `record.read` do."""
        return record.read(kind, self.get(name), at=str(self.path(name)))
