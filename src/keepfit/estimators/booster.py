"""LightGBM's shared library through its C interface: learning trees, and their answers for tables and for single rows.

The Python package of LightGBM takes more than a second to import, with scikit-learn and pandas behind it; both training
and serving need only the library in it.
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
import weakref
from array import array
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keepfit import errors
from keepfit.plugin import missing_library

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Binned", "Booster"]

_FLOAT32, _FLOAT64 = 0, 1
_NORMAL, _ROW_MAJOR, _ALL, _SPLITS = 0, 1, -1, 0
#: One thread: two OpenMP threads on two busy cores are slower by orders of magnitude.
_ALONE = "num_threads=1"


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
    raise errors.ExtraNeeded("trees need LightGBM's library", at="lightgbm", fix="pip install lightgbm")


def _reason() -> str:
    said: bytes = _library().LGBM_GetLastError()
    return said.decode(errors="replace").strip()


def _learned(code: int) -> None:
    if code != 0:
        raise errors.BadEstimator(f"LightGBM cannot learn from these rows: {_reason()}", at="model.estimators")


def _answered(code: int) -> None:
    if code != 0:
        raise errors.BadRelease(f"LightGBM: {_reason()}", at="model.txt")


def _text(parameters: Mapping[str, Any]) -> bytes:
    return " ".join(f"{name}={_value(value)}" for name, value in parameters.items()).encode()


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pointer(matrix: NDArray[np.float64]) -> ctypes.c_void_p:
    return ctypes.c_void_p(matrix.ctypes.data)


class Binned:
    """A table as LightGBM learns from it: every feature in at most 255 bins.

    Parameters
    ----------
    matrix : shape (rows, features), row-major; NaN is missing
    categorical : the features that are category codes

    Raises
    ------
    BadEstimator
        LightGBM refuses the table.
    """

    def __init__(self, matrix: NDArray[np.float64], categorical: Sequence[int]) -> None:
        library = _library()
        self.handle = ctypes.c_void_p()
        # A feature that one recipe cannot split another may, and they share the bins.
        settings: dict[str, Any] = {"max_bin": 255, "feature_pre_filter": False, "num_threads": 1, "verbosity": -1}
        if categorical:
            settings["categorical_feature"] = categorical
        rows, features = matrix.shape
        code = library.LGBM_DatasetCreateFromMat(
            _pointer(matrix),
            _FLOAT64,
            ctypes.c_int32(rows),
            ctypes.c_int32(features),
            _ROW_MAJOR,
            _text(settings),
            None,
            ctypes.byref(self.handle),
        )
        _learned(code)
        weakref.finalize(self, library.LGBM_DatasetFree, self.handle)

    def label(self, truth: NDArray[np.float64]) -> None:
        """Say what is to be learned, shape (rows,); LightGBM keeps it in 32 bits."""
        kept = truth.astype("float32")
        at, count = ctypes.c_void_p(kept.ctypes.data), ctypes.c_int(kept.size)
        _learned(_library().LGBM_DatasetSetField(self.handle, b"label", at, count, _FLOAT32))


class Booster:
    """Trees that were learned or read."""

    def __init__(self, handle: ctypes.c_void_p) -> None:
        self._library = _library()
        self._handle = handle
        # A server exchanges models for as long as it lives: each gives its memory back.
        weakref.finalize(self, self._library.LGBM_BoosterFree, handle)
        outputs = ctypes.c_int()
        _answered(self._library.LGBM_BoosterGetNumClasses(handle, ctypes.byref(outputs)))
        #: How many numbers they answer with.
        self.outputs = outputs.value

    @classmethod
    def train(cls, binned: Binned, truth: NDArray[np.float64], parameters: Mapping[str, Any], rounds: int) -> Booster:
        """Learn at most so many rounds of trees; the same input gives the same trees.

        Raises
        ------
        BadEstimator
            LightGBM refuses the parameters or the labels.
        """
        library, handle = _library(), ctypes.c_void_p()
        fixed = {"num_threads": 1, "verbosity": -1, "deterministic": True, "force_row_wise": True, "feature_pre_filter": False}
        binned.label(truth)
        _learned(library.LGBM_BoosterCreate(binned.handle, _text({**parameters, **fixed}), ctypes.byref(handle)))
        booster, ended = cls(handle), ctypes.c_int()
        for _ in range(rounds):
            _learned(library.LGBM_BoosterUpdateOneIter(handle, ctypes.byref(ended)))
            if ended.value:
                break
        return booster

    @classmethod
    def read(cls, path: Path) -> Booster:
        """The trees that a file in LightGBM's text format holds.

        Raises
        ------
        BadRelease
            It is damaged.
        """
        handle, iterations = ctypes.c_void_p(), ctypes.c_int()
        code = _library().LGBM_BoosterCreateFromModelfile(str(path).encode(), ctypes.byref(iterations), ctypes.byref(handle))
        _answered(code)
        return cls(handle)

    def text(self) -> str:
        """The trees in LightGBM's text format."""
        length, size = ctypes.c_int64(), 1 << 20
        while True:
            held = ctypes.create_string_buffer(size)
            code = self._library.LGBM_BoosterSaveModelToString(
                self._handle, 0, _ALL, _SPLITS, ctypes.c_int64(size), ctypes.byref(length), held
            )
            _answered(code)
            if length.value <= size:
                return held.value.decode()
            size = length.value

    def predict(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """The answers for many rows: shape (rows, outputs)."""
        import numpy as np  # one row is answered without it

        rows, features = matrix.shape
        out = np.empty((rows, self.outputs), dtype=np.float64)
        if rows:
            self._many(_pointer(matrix), rows, features, _pointer(out))
        return out

    def predict_rows(self, rows: array[float], width: int) -> list[tuple[float, ...]]:
        """The same for encoded rows that follow each other in a buffer."""
        count = len(rows) // width
        out = array("d", bytes(8 * count * self.outputs))
        if count:
            self._many(ctypes.c_void_p(rows.buffer_info()[0]), count, width, ctypes.c_void_p(out.buffer_info()[0]))
        return [tuple(out[at : at + self.outputs]) for at in range(0, len(out), self.outputs)]

    def _many(self, inputs: ctypes.c_void_p, rows: int, features: int, out: ctypes.c_void_p) -> None:
        length = ctypes.c_int64()
        code = self._library.LGBM_BoosterPredictForMat(
            self._handle,
            inputs,
            _FLOAT64,
            ctypes.c_int32(rows),
            ctypes.c_int32(features),
            _ROW_MAJOR,
            _NORMAL,
            0,
            _ALL,
            _ALONE.encode(),
            ctypes.byref(length),
            out,
        )
        _answered(code)

    def single(self, buffer: array[float]) -> Callable[[], Any]:
        """A function that answers for the row that stands in a buffer: its outputs, in an array that the next call writes anew."""
        fast = ctypes.c_void_p()
        width, library = len(buffer), self._library
        code = library.LGBM_BoosterPredictForMatSingleRowFastInit(
            self._handle, _NORMAL, 0, _ALL, _FLOAT64, ctypes.c_int32(width), _ALONE.encode(), ctypes.byref(fast)
        )
        _answered(code)
        weakref.finalize(self, library.LGBM_FastConfigFree, fast)
        out = (ctypes.c_double * self.outputs)()
        arguments = (fast, (ctypes.c_double * width).from_buffer(buffer), ctypes.byref(ctypes.c_int64()), out)
        predict = library.LGBM_BoosterPredictForMatSingleRowFast

        def one() -> Any:
            if predict(*arguments) != 0:
                _answered(-1)
            return out

        return one
