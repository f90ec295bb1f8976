"""A segment: the append-only file in which a worker keeps its answers before they leave.

After eight bytes of magic come frames: four bytes of length, four of CRC-32, both little-endian, then that
many bytes of JSON. A frame is written with one call, so a process that is killed leaves at most one torn
frame, at the end; readers drop it, never a complete one.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from struct import Struct

from keepfit import errors

__all__ = ["MAGIC", "frame", "frames"]

#: The last byte is the version of the format.
MAGIC = b"KEEPFIT\x01"
_HEAD = Struct("<II")


def frame(payload: bytes) -> bytes:
    """A payload as a frame."""
    return _HEAD.pack(len(payload), zlib.crc32(payload)) + payload


def frames(data: bytes | memoryview, *, at: str = "") -> Iterator[bytes]:
    """The payloads of a segment, in order; a torn end is left out.

    Raises
    ------
    NewerFormat, BrokenFile
        The file is no segment, is of a newer version, or is damaged before its end.
    """
    view = memoryview(data)
    if len(view) < len(MAGIC):
        return
    if bytes(view[:7]) != MAGIC[:7]:
        raise errors.BrokenFile("this is not a segment", at=at, fix="restore the file; nothing reads it until then")
    if view[7] > MAGIC[7]:
        raise errors.NewerFormat(
            f"the segment is of version {view[7]}; this keepfit reads {MAGIC[7]}", at=at, fix="install the keepfit that wrote it"
        )
    place = len(MAGIC)
    while place + _HEAD.size <= len(view):
        length, checksum = _HEAD.unpack_from(view, place)
        end = place + _HEAD.size + length
        if end > len(view):
            return
        payload = bytes(view[place + _HEAD.size : end])
        if zlib.crc32(payload) != checksum:
            if end == len(view):
                return
            raise errors.BrokenFile(f"a frame's checksum is wrong at byte {place}", at=at, fix="restore the file from a backup")
        yield payload
        place = end
