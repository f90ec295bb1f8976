"""Tensors of the Open Inference Protocol: a column of values as JSON or as bytes, under one of its datatypes."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from keepfit.serving.exchange import Refused

__all__ = ["OF_DTYPE", "Tensor", "datatype_of", "packed", "values_of"]

#: The datatype of a stored type; instants travel as text.
OF_DTYPE: Mapping[str, str] = {"int": "INT64", "float": "FP64", "float32": "FP32", "bool": "BOOL", "text": "BYTES", "instant": "BYTES"}
#: The form of each datatype's bytes.
_FORMATS = {"BOOL": "?", "FP16": "e", "FP32": "f", "FP64": "d"}
_FORMATS |= {"UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q", "INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q"}
DATATYPES = (*_FORMATS, "BYTES")
_LENGTH = struct.Struct("<I")


class Tensor(msgspec.Struct):
    """An input as a request has it. `data` is flat or nested in row-major order, or its bytes follow the request's JSON."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any] | None = None
    parameters: dict[str, Any] = {}


def values_of(tensor: Tensor, raw: bytes | None, *, at: str) -> list[Any]:
    """The values of a column; null is a missing one.

    Parameters
    ----------
    raw : its bytes, where they followed the JSON

    Raises
    ------
    Refused
        The shape is none of a column, or what there is does not fit shape or datatype.
    """
    if tensor.datatype not in DATATYPES:
        raise _bad("there is no such datatype", at=f"{at}.datatype", fix=f"one of {', '.join(DATATYPES)}")
    count = math.prod(tensor.shape)
    if not tensor.shape or tensor.shape[0] < 0 or any(size != 1 for size in tensor.shape[1:]):
        raise _bad("an input holds one value for each row", at=f"{at}.shape", fix="[n], or [n, 1]")
    if raw is not None:
        return _unpacked(tensor.datatype, raw, count, at=f"{at}.parameters.binary_data_size")
    if tensor.data is None:
        raise _bad("an input brings its data", at=f"{at}.data")
    found = _flat(tensor.data, tensor.shape)
    if found is None or len(found) != count:
        raise _bad("the data does not fit the shape", at=f"{at}.data", fix=f"{count} values, flat or nested as the shape says")
    holds = _holder(tensor.datatype)
    for number, value in enumerate(found):
        if value is not None and not holds(value):
            raise _bad(f"a value is not of the datatype {tensor.datatype}", at=f"{at}.data[{number}]")
    return found


def packed(datatype: str, values: Sequence[Any]) -> bytes:
    """Values as bytes: those of text each after its length in four bytes, all in little-endian order.

    >>> packed("INT16", [1, -1]), packed("BYTES", ["a", ""])
    (b'\\x01\\x00\\xff\\xff', b'\\x01\\x00\\x00\\x00a\\x00\\x00\\x00\\x00')
    """
    if datatype != "BYTES":
        return struct.pack(f"<{len(values)}{_FORMATS[datatype]}", *values)
    texts = [value.encode() for value in values]
    return b"".join(part for text in texts for part in (_LENGTH.pack(len(text)), text))


def datatype_of(values: Sequence[Any]) -> str:
    """The datatype that holds all of some values.

    >>> datatype_of([1, 2.5]), datatype_of([False, True]), datatype_of(["a", 1])
    ('FP64', 'BOOL', 'BYTES')
    """
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return "BOOL"
    if kinds == {int}:
        return "INT64"
    return "FP64" if kinds <= {int, float} else "BYTES"


def _unpacked(datatype: str, raw: bytes, count: int, *, at: str) -> list[Any]:
    if datatype != "BYTES":
        if len(raw) != struct.calcsize(f"<{_FORMATS[datatype]}") * count:
            raise _bad("the bytes do not fit the shape", at=at)
        return list(struct.unpack(f"<{count}{_FORMATS[datatype]}", raw))
    found: list[Any] = []
    place = 0
    while place < len(raw):
        begin = place + _LENGTH.size
        size = _LENGTH.unpack_from(raw, place)[0] if begin <= len(raw) else len(raw)
        if begin + size > len(raw):
            raise _bad("a text is longer than the bytes", at=at)
        try:
            found.append(raw[begin : begin + size].decode())
        except UnicodeDecodeError:
            raise _bad("a text is not UTF-8", at=at) from None
        place = begin + size
    if len(found) != count:
        raise _bad("the bytes do not fit the shape", at=at)
    return found


def _flat(data: list[Any], shape: Sequence[int]) -> list[Any] | None:
    """Data in a row; None when it is nested in another way than the shape is."""
    if not any(isinstance(value, list) for value in data):
        return data
    if len(data) != shape[0] or len(shape) == 1:
        return None
    found: list[Any] = []
    for part in data:
        inner = _flat(part, shape[1:]) if isinstance(part, list) else None
        if inner is None or len(inner) != 1:
            return None
        found += inner
    return found


def _holder(datatype: str) -> Any:
    """Whether a value of JSON is one of a datatype."""
    if datatype == "BOOL":
        return lambda value: type(value) is bool
    if datatype == "BYTES":
        return lambda value: type(value) is str
    if datatype.startswith("FP"):
        return lambda value: type(value) in (int, float)
    bits, least = int(datatype.lstrip("UINT")), 0
    if datatype.startswith("INT"):
        bits, least = bits - 1, -(2 ** (bits - 1))
    return lambda value: type(value) is int and least <= value < 2**bits


def _bad(title: str, *, at: str, fix: str = "") -> Refused:
    return Refused(400, title, at=at, fix=fix, code="KF403")
