"""What every kind of column must do: the suite that those in this package pass, for the author of another to run.

Subclass it and give one fixture::

    from keepfit.testing.column import ColumnConformance

    class TestMyKind(ColumnConformance):
        @pytest.fixture
        def kind(self):
            return MyKind()

        #: Values of a kind's own, by stored type, when the suite's are none: at least three different ones.
        values = {"text": ["red", "green", "blue"]}
"""

from __future__ import annotations

import json
import math
import random
import string
import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

from keepfit import plugin
from keepfit.column import ColumnKind, Seen
from keepfit.profile import merge, profile
from keepfit.record import plain
from keepfit.schema import Column
from keepfit.sketch import Sketches

__all__ = ["ColumnConformance"]

STYLES = ("trees", "linear")
TYPES: Mapping[str, Any] = {
    "int": pl.Int64(),
    "float": pl.Float64(),
    "float32": pl.Float32(),
    "bool": pl.Boolean(),
    "text": pl.String(),
    "instant": pl.Datetime("us", "UTC"),
}
_BEGIN = datetime(2013, 1, 1, 0, 30, tzinfo=UTC)
VALUES: Mapping[str, Sequence[Any]] = {
    "int": [0, 1, -1, 7, 2**53 + 1, -(2**63), 2**63 - 1],
    "float": [0.0, -0.0, 1.5, -2.25, 0.1, 1e300, -1e300, 5e-324, sys.float_info.max],
    "float32": [0.0, -0.0, 1.5, 0.10000000149011612, -3.4028234663852886e38, 1.401298464324817e-45],
    "bool": [True, False],
    "text": ["", "a", "b", "é", "e\u0301", "\0", "東京 🛫", "late again  and\tagain", "a" * 3000, "Straße", "STRASSE", "0", "true", " "],
    "instant": [_BEGIN + timedelta(hours=31 * step) for step in range(40)]
    + [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, tzinfo=UTC)],
}
#: What may follow in a request though training never saw it.
UNSEEN: Mapping[str, Sequence[Any]] = {
    "int": [41, -(2**40)],
    "float": [math.nan, math.inf, -math.inf, 123.456],
    "float32": [math.nan, math.inf, 0.20000000298023224],
    "bool": [],
    "text": ["never seen", "\u2028", string.punctuation],
    "instant": [datetime(2024, 2, 29, 12, tzinfo=UTC), datetime(2100, 12, 31, 1, tzinfo=UTC)],
}
#: Values that no column of the stored type holds.
WRONG: Mapping[str, Sequence[Any]] = {
    "int": ["1", [1], {}],
    "float": ["1.5", [], {}],
    "float32": ["1.5", [], {}],
    "bool": ["true", [True]],
    "text": [1, True, ["a"]],
    "instant": ["yesterday", "2013-03-01T00:00", 1.5, []],
}
_TIMES = 12


class ColumnConformance:
    """Tests that a kind of column passes, for every stored type that it says it holds and both styles of encoding."""

    values: ClassVar[Mapping[str, Sequence[Any]]] = {}

    @pytest.fixture
    def kind(self) -> ColumnKind:
        raise NotImplementedError("give the fixture `kind`: the kind of column under test")

    def series(self, dtype: str) -> pl.Series:
        """Training rows: every value a dozen times, some missing, in an order that chance gave once."""
        held = [*(self.values.get(dtype) or VALUES[dtype])] * _TIMES + [None] * 5
        random.Random(7).shuffle(held)
        return pl.Series("c", held, dtype=TYPES[dtype])

    def later(self, dtype: str) -> pl.Series:
        """Rows that come after training."""
        return pl.Series("c", [*(self.values.get(dtype) or VALUES[dtype]), None, *UNSEEN[dtype]], dtype=TYPES[dtype])

    def learned(self, kind: ColumnKind) -> Iterator[tuple[str, str, Any]]:
        """Every stored type and style with the state that was learned, as it is read back from its text."""
        for dtype in sorted(kind.dtypes):
            for style in STYLES:
                state = kind.learn(self.series(dtype), style)
                assert state is not None, f"nothing was learned from {dtype}"
                yield dtype, style, json.loads(json.dumps(plain(state), allow_nan=False))

    def test_it_has_a_name_and_stored_types_and_claims_no_other(self, kind: ColumnKind) -> None:
        assert kind.kind
        assert kind.dtypes
        assert kind.dtypes <= TYPES.keys()
        claimed = {dtype for dtype in TYPES for seen in (None, Seen(0.0, 0.0, 0.0), Seen(1.0, 80.0, 12.0)) if kind.claims(dtype, seen)}
        assert claimed <= kind.dtypes

    def test_a_table_and_a_request_are_encoded_alike_to_the_last_bit(self, kind: ColumnKind) -> None:
        for dtype, style, state in self.learned(kind):
            width = len(kind.names("c", state))
            for values in (self.series(dtype), self.later(dtype)):
                table = kind.matrix(state, values)
                assert table.shape == (len(values), width)
                assert table.dtype == np.float64
                buffer = array("d", [7.0] * (width + 2))  # what lies beside the places is another's
                write = kind.writer(state, dtype, 1)
                for row, value in enumerate(values):
                    write(_as_request(value), buffer, [])
                    written = np.array(buffer)
                    assert (written[[0, -1]] == 7.0).all()
                    assert _same_bits(table[row], written[1:-1]), f"{dtype} for {style} differs in row {row}"

    def test_neighbours_are_encoded_together_as_one_by_one_or_not_at_all(self, kind: ColumnKind) -> None:
        for dtype, style, state in self.learned(kind):
            width, values = len(kind.names("c", state)), [_as_request(value) for value in self.later(dtype)]
            together = kind.together([state] * 2, [dtype] * 2, 1)
            writers = [kind.writer(state, dtype, 1 + side * width) for side in range(2)]
            for left, right in zip(values, [*values[1:], values[0]], strict=True):
                at_once, alone = (array("d", [7.0] * (2 * width + 2)) for _ in range(2))
                warnings: list[str] = []
                for write, value in zip(writers, (left, right), strict=True):
                    write(value, alone, warnings)
                if together is not None and together((left, right), at_once):
                    assert _same_bits(np.array(alone), np.array(at_once)), f"{dtype} for {style}"
                    assert warnings == []
            if together is not None:
                assert not any(together((values[0], wrong), array("d", [0.0] * (2 * width + 2))) for wrong in WRONG[dtype])

    def test_each_row_is_encoded_by_itself(self, kind: ColumnKind) -> None:
        for dtype, _, state in self.learned(kind):
            values = self.later(dtype)
            whole = kind.matrix(state, values)
            parts = [kind.matrix(state, values[row : row + 1]) for row in range(len(values))]
            assert _same_bits(whole, np.concatenate(parts))
            assert kind.matrix(state, values[:0]).shape == (0, whole.shape[1])

    def test_a_linear_encoding_is_finite_and_a_tree_s_has_no_infinity(self, kind: ColumnKind) -> None:
        for dtype, style, state in self.learned(kind):
            table = kind.matrix(state, self.later(dtype))
            assert not np.isinf(table).any()
            assert style == "trees" or np.isfinite(table).all()

    def test_features_are_named_apart_and_codes_lie_among_them(self, kind: ColumnKind) -> None:
        for _, _, state in self.learned(kind):
            names = kind.names("a column", state)
            assert len(set(names)) == len(names) > 0
            assert all(name.startswith("a column") for name in names)
            assert set(kind.categorical(state)) <= set(range(len(names)))

    def test_what_is_learned_does_not_depend_on_the_order_of_rows(self, kind: ColumnKind) -> None:
        for dtype in sorted(kind.dtypes & {"text", "instant"}):  # sums of numbers round
            for style in STYLES:
                values = self.series(dtype)
                assert kind.learn(values, style) == kind.learn(values.reverse(), style)

    def test_nothing_is_learned_where_nothing_varies(self, kind: ColumnKind) -> None:
        for dtype in sorted(kind.dtypes):
            one = (self.values.get(dtype) or VALUES[dtype])[0]
            for style in STYLES:
                assert kind.learn(pl.Series("c", [one] * 30, dtype=TYPES[dtype]), style) is None
                assert kind.learn(pl.Series("c", [None] * 30, dtype=TYPES[dtype]), style) is None
                assert kind.learn(pl.Series("c", [], dtype=TYPES[dtype]), style) is None

    def test_a_value_of_the_wrong_type_says_what_is_expected_and_not_what_was_given(self, kind: ColumnKind) -> None:
        for dtype, _, state in self.learned(kind):
            write = kind.writer(state, dtype, 0)
            for value in WRONG[dtype]:
                with pytest.raises(ValueError) as caught:
                    write(value, array("d", bytes(8 * len(kind.names("c", state)))), [])
                assert str(caught.value)
                assert "yesterday" not in str(caught.value)

    def test_sketches_are_plain_data_and_counts_are_exact(self, kind: ColumnKind) -> None:
        for dtype in sorted(kind.dtypes):
            values = self.series(dtype)
            held = kind.sketch(values, None)
            assert json.loads(json.dumps(plain(held), allow_nan=False)) == plain(held)
            assert held["count"]["rows"] == len(values)
            assert held["count"]["missing"] == values.null_count()
            assert set(held) <= set(plugin.kinds("sketches"))
            assert all(state["version"] == plugin.find("sketches", name).version for name, state in held.items())
            for few in (values[:0], values[:1], pl.Series("c", [None], dtype=TYPES[dtype])):
                assert kind.sketch(few, None)["count"]["rows"] == len(few)
                assert kind.sketch(few, held)["count"]["rows"] == len(few)

    def test_sketches_of_parts_merge_into_the_counts_of_the_whole(self, kind: ColumnKind) -> None:
        for dtype in sorted(kind.dtypes):
            values = self.series(dtype)
            columns, kinds = [Column("c", kind.kind, "text", ("feature",), True)], {kind.kind: kind}
            whole = profile(values.to_frame(), columns, kinds)
            parts = [profile(values[begin : begin + 17].to_frame(), columns, kinds, like=whole) for begin in range(0, len(values), 17)]
            together = parts[0]
            for part in parts[1:]:
                together = merge(together, part)
            assert together.rows == whole.rows
            held: Sketches = whole.columns["c"]
            for name in ("count", "histogram", "distinct"):
                if name in held:
                    assert together.columns["c"][name] == held[name]
            first, second = kind.beside(held, together.columns["c"])
            assert first == second

    def test_two_columns_are_counted_in_the_same_bins_and_parts_add_up_to_the_whole(self, kind: ColumnKind) -> None:
        for dtype in sorted(kind.dtypes):
            values = self.series(dtype)
            reference = kind.sketch(values, None)
            for other in (values, values[:1], values[:0], pl.Series("c", [None] * 9, dtype=TYPES[dtype]), self.later(dtype)):
                held = kind.sketch(other, reference)
                first, second = kind.beside(reference, held)
                known = held["count"]["rows"] - held["count"]["missing"]
                assert (len(first), sum(second)) == (len(second), known)
                assert sum(first) == reference["count"]["rows"] - reference["count"]["missing"]
                part = np.arange(len(other), dtype=np.int64) % 3
                parts = kind.tally(other, reference, part, 3)
                assert parts.sum(axis=0).tolist() == second
                assert [int(rows) for rows in parts.sum(axis=1)] == [known_in(kind, other.filter(pl.Series(part == at))) for at in range(3)]

    def test_its_bars_hold_all_rows_and_its_words_no_rare_name(self, kind: ColumnKind) -> None:
        assert kind.axis
        for dtype in sorted(kind.dtypes):
            values = self.series(dtype)
            reference = kind.sketch(values, None)
            for other in (values, values[:1], pl.Series("c", [None] * 9, dtype=TYPES[dtype]), self.later(dtype)):
                bars = kind.bars(reference, kind.sketch(other, reference))
                assert len(bars) <= 30
                for shares in ([bar.reference for bar in bars], [bar.current for bar in bars]):
                    assert not bars or (abs(sum(shares) - 1) < 1e-9 and min(shares) >= 0)
                assert all(bar.low is None or bar.high is None or bar.low < bar.high for bar in bars)
            once = self.series(dtype).unique()
            assert kind.says(kind.sketch(once, None)) and kind.says(kind.sketch(once[:0], None)) == "no value"
            assert not any(name in kind.says(kind.sketch(once, None)) for name in ("never seen", "STRASSE"))


def _as_request(value: Any) -> Any:
    """A value as JSON carries it."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat() if isinstance(value, datetime) else value


def _same_bits(first: Any, second: Any) -> bool:
    one, other = np.ascontiguousarray(first), np.ascontiguousarray(second)
    return bool(((one.view(np.int64) == other.view(np.int64)) | (np.isnan(one) & np.isnan(other))).all())


def known_in(kind: ColumnKind, values: pl.Series) -> int:
    held = kind.sketch(values, None)["count"]
    return int(held["rows"] - held["missing"])
