"""Short text: what people wrote, in words."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import MutableSequence, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from keepfit.column import Bar, Seen, State, WriteRow, WriteTogether
from keepfit.columns.number import number_bars, number_words, summary
from keepfit.sketch import Sketches
from keepfit.sketches.count import Count
from keepfit.sketches.distinct import Distinct
from keepfit.sketches.histogram import Histogram

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["Text"]

#: Features of words and pairs of words, and of letters. Different words may share one.
_WIDTH = {"trees": (32, 32), "linear": (192, 64)}
#: Characters that are read: the rest of a longer text is passed over.
_READ = 2000
#: Different words whose places are kept, so that a common word is hashed once.
_KEPT = 50_000
_WORD = re.compile(r"\w+")


class Text:
    """Free text as counts of its words, pairs of words and runs of three letters, hashed to a fixed number of places.

    In lower case. For linear models the counts are scaled to length 1. A missing text stays missing for trees and is 0
    throughout for linear models; an empty one is 0 throughout for both.

    Notes
    -----
    Weinberger et al. (2009), Feature hashing for large scale multitask learning, ICML, without the sign: counts stay
    counts for trees. CRC-32 of the UTF-8 text (ISO 3309), the same on every machine.
    """

    kind = "text"
    dtypes = frozenset({"text"})
    axis = "characters"
    bins: Literal["ordered", "named", "open"] = "ordered"

    def claims(self, dtype: str, seen: Seen | None = None) -> bool:
        return dtype == "text" and seen is not None and seen.prose

    def learn(self, values: pl.Series, style: str) -> State | None:
        words, letters = _WIDTH[style]
        return {"style": style, "words": words, "letters": letters} if values.n_unique() > 1 else None

    def names(self, column: str, state: State) -> list[str]:
        words = [f"{column} words {place}" for place in range(state["words"])]
        return words + [f"{column} letters {place}" for place in range(state["letters"])]

    def categorical(self, state: State) -> list[int]:
        return []

    def matrix(self, state: State, values: pl.Series) -> NDArray[np.float64]:
        grams, width = _Grams(state["words"], state["letters"]), state["words"] + state["letters"]
        out = np.zeros((len(values), width), dtype=np.float64)
        linear = state["style"] == "linear"
        for row, value in enumerate(values.to_list()):
            if value is None:
                out[row] = 0.0 if linear else np.nan
                continue
            for place, number in grams.of(value, scaled=linear).items():
                out[row, place] = number
        return out

    def writer(self, state: State, dtype: str, at: int) -> WriteRow:
        grams, width = _Grams(state["words"], state["letters"]), state["words"] + state["letters"]
        linear = state["style"] == "linear"

        def write(value: object, out: MutableSequence[float], warn: list[str]) -> None:
            empty = math.nan if value is None and not linear else 0.0
            for place in range(at, at + width):
                out[place] = empty
            if isinstance(value, str):
                for place, number in grams.of(value, scaled=linear).items():
                    out[at + place] = number
            elif value is not None:
                raise ValueError("text")

        return write

    def together(self, states: Sequence[State], dtypes: Sequence[str], at: int) -> WriteTogether | None:
        return None

    def sketch(self, values: pl.Series, like: Sketches | None) -> Sketches:
        lengths = np.sort(values.drop_nulls().str.len_chars().to_numpy()).astype(np.float64)
        return {
            Count.name: Count().of(len(values), int(values.null_count())),
            **summary(lengths, like, distinct=False),
            Distinct.name: Distinct().of_texts(values.drop_nulls().unique()),
        }

    def beside(self, reference: Sketches, current: Sketches) -> tuple[list[int], list[int]]:
        """By length."""
        return Histogram().beside(reference["histogram"], current["histogram"])

    def tally(self, values: pl.Series, like: Sketches, part: NDArray[np.int64], parts: int) -> NDArray[np.int64]:
        known = values.is_not_null().to_numpy()
        lengths = values.drop_nulls().str.len_chars().to_numpy().astype(np.float64)
        return Histogram().tally(like["histogram"], lengths, part[known], parts)

    def bars(self, reference: Sketches, current: Sketches) -> list[Bar]:
        return number_bars(reference, current)

    def says(self, sketches: Sketches) -> str:
        return number_words(sketches, " characters")


class _Grams:
    """Where words, pairs of words and runs of letters are counted."""

    def __init__(self, words: int, letters: int) -> None:
        self._words, self._letters = words, letters
        self._known: dict[str, list[int]] = {}

    def of(self, text: str, *, scaled: bool) -> dict[int, float]:
        """Place -> count of a text; scaled so that their squares add up to 1."""
        counts: dict[int, int] = {}
        words = _WORD.findall(text[:_READ].lower())
        known = self._known
        for word in words:
            places = known.get(word)
            if places is None:
                places = self._places(word)
                if len(known) < _KEPT:
                    known[word] = places
            for place in places:
                counts[place] = counts.get(place, 0) + 1
        for first, second in pairwise(words):
            place = _hash(f"{first} {second}") % self._words
            counts[place] = counts.get(place, 0) + 1
        length = math.sqrt(sum(count * count for count in counts.values())) if scaled else 1.0
        return {place: count / length for place, count in counts.items()}

    def _places(self, word: str) -> list[int]:
        """The word's own place, and those of its runs of three letters, its ends included."""
        ended = f"<{word}>"
        runs = [ended[at : at + 3] for at in range(len(ended) - 2)]
        return [_hash(word) % self._words, *(self._words + _hash(run) % self._letters for run in runs)]


def _hash(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))
