"""Names made of content: `b3:` and the BLAKE3 digest of bytes, of a file, or of a value in canonical JSON."""

from __future__ import annotations

import json
from pathlib import Path

from blake3 import blake3

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode

__all__ = ["canonical", "of_bytes", "of_file", "of_value"]


def canonical(value: object) -> str:
    """The one JSON text of a plain value: sorted keys, no spaces, UTF-8, no NaN.

    >>> canonical({"b": 1, "a": [True, None]})
    '{"a":[true,null],"b":1}'
    """
    return _encode(value)


def of_bytes(data: bytes | memoryview) -> str:
    """The digest of bytes: `b3:` and 64 hexadecimal characters."""
    return f"b3:{blake3(data).hexdigest()}"


def of_file(path: Path) -> str:
    """The digest of a file's bytes, read through a memory map."""
    return f"b3:{blake3(max_threads=1).update_mmap(path).hexdigest()}"


def of_value(value: object) -> str:
    """The digest of a plain value's canonical JSON.

    >>> of_value({"a": 1})[:11]
    'b3:d59b6562'
    """
    return of_bytes(canonical(value).encode())
