"""The predictor of boosted trees: LightGBM's shared library through its C interface.

The Python package of LightGBM takes more than a second to import; a server needs only the library in it.
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
import weakref
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from keepfit import errors, features, record
from keepfit.column import Kinds
from keepfit.features import Plan
from keepfit.plugin import missing_library

__all__ = ["TreesPredictor"]

_FLOAT64 = 1
_NORMAL = 0


@cache
def _library() -> ctypes.CDLL:
    found = importlib.util.find_spec("lightgbm")
    name = "lib_lightgbm.dylib" if sys.platform == "darwin" else "lib_lightgbm.so"
    for place in (found.submodule_search_locations or []) if found else []:
        for path in (Path(place) / "lib" / name, Path(place) / name):
            if path.is_file():
                try:
                    library = ctypes.CDLL(str(path))
                except OSError as error:
                    raise missing_library(error, name) from error
                library.LGBM_GetLastError.restype = ctypes.c_char_p
                return library
    raise errors.ExtraNeeded("this release needs LightGBM's library", at="the server", fix="pip install lightgbm")


def _check(code: int) -> None:
    if code != 0:
        reason = _library().LGBM_GetLastError()
        raise errors.BadRelease(f"LightGBM: {reason.decode(errors='replace')}", at="model.txt")


def _free(library: ctypes.CDLL, booster: ctypes.c_void_p, fast: ctypes.c_void_p) -> None:
    if fast.value:
        library.LGBM_FastConfigFree(fast)
    library.LGBM_BoosterFree(booster)


class TreesPredictor:
    """One row in, one score out; single-threaded, to be used by one thread."""

    def __init__(self, folder: Path, kinds: Kinds) -> None:
        plan = record.read(Plan, (folder / "plan.json").read_bytes(), at=str(folder / "plan.json"))
        self.inputs = tuple(encoding.column for encoding in plan.encodings)
        self._buffer, self._write = features.row_writer(plan, kinds)
        library = _library()
        booster, iterations = ctypes.c_void_p(), ctypes.c_int()
        path = str(folder / "model.txt").encode()
        _check(library.LGBM_BoosterCreateFromModelfile(ctypes.c_char_p(path), ctypes.byref(iterations), ctypes.byref(booster)))
        self._fast = ctypes.c_void_p()
        # A server exchanges predictors for as long as it lives: each gives its memory back.
        weakref.finalize(self, _free, library, booster, self._fast)
        width = len(self._buffer)
        _check(
            library.LGBM_BoosterPredictForMatSingleRowFastInit(
                booster, _NORMAL, 0, -1, _FLOAT64, ctypes.c_int32(width), ctypes.c_char_p(b"num_threads=1"), ctypes.byref(self._fast)
            )
        )
        self._row = (ctypes.c_double * width).from_buffer(self._buffer)
        self._length = ctypes.c_int64()
        self._out = (ctypes.c_double * 1)()
        self._predict = library.LGBM_BoosterPredictForMatSingleRowFast
        self._arguments = (self._fast, self._row, ctypes.byref(self._length), self._out)

    def __call__(self, row: Mapping[str, object]) -> tuple[Mapping[str, float], list[str]]:
        warnings = self._write(row)
        if self._predict(*self._arguments) != 0:
            _check(-1)
        return {"score": self._out[0]}, warnings
