"""The files that a table is made of: one, all in a folder, or all that fit a pattern."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from keepfit import errors
from keepfit.source import ENDINGS, Address, is_pattern, tables_below

__all__ = ["files_of", "is_remote"]


def is_remote(address: Address) -> bool:
    """Whether the files lie in an object store."""
    return "://" in address.url


def files_of(address: Address, kind: str) -> tuple[Path, ...]:
    """The files of an address, by name; below a folder all of a kind.

    Raises
    ------
    MissingSource
        The file, the folder or a file that fits the pattern is not there.
    UnreadableTable
        The folder holds tables of several kinds.
    """
    path = address.folder / address.url
    if is_pattern(path):
        anchor = Path(path.anchor) if path.is_absolute() else Path()
        found = sorted(one for one in anchor.glob(str(path.relative_to(anchor))) if one.is_file())
        return _some(found, f"no file fits '{address.url}'", address)
    if path.is_dir():
        below = sorted(tables_below(path))
        others = sorted({one for ending, one in ENDINGS.items() if one != kind and any(name.lower().endswith(ending) for name in below)})
        if others:
            fix = f"name one kind by a pattern, as in {address.url.rstrip('/')}/*.{kind}"
            raise errors.UnreadableTable(f"'{address.url}' holds files of {' and '.join([kind, *others])}", at=address.at, fix=fix)
        return _some(list(map(Path, below)), f"the folder '{address.url}' holds no {kind} file", address)
    return _some([path] if path.exists() else [], f"'{path.name}' is not there", address)


def _some(found: Sequence[Path], message: str, address: Address) -> tuple[Path, ...]:
    if not found:
        place = address.folder / address.url
        raise errors.MissingSource(message, at=address.at, fix=f"put it at {place}, or mend {address.at.rpartition(': ')[2]}")
    return tuple(found)
