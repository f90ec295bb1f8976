from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from keepfit.snapshot import DAY_OF_ITS_OWN, Part, Snapshot, ordered, part_of_day

DAYS = st.dates(date(2012, 11, 1), date(2013, 2, 28)).map(date.isoformat)
ROWS = st.integers(1, 2 * DAY_OF_ITS_OWN) | st.sampled_from([DAY_OF_ITS_OWN - 1, DAY_OF_ITS_OWN])
COUNTED = st.dictionaries(DAYS, ROWS, max_size=30)
NOW = st.datetimes(datetime(2012, 11, 1), datetime(2013, 4, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(COUNTED, NOW)
def test_every_day_lies_in_the_part_of_its_day_or_of_its_month(counted, now):
    parts = part_of_day(counted, now)
    assert set(parts) == set(counted)
    for day, part in parts.items():
        assert part in {day, day[:7]}
        over = day[:7] < f"{now:%Y-%m}"
        assert (part == day[:7]) == (over and counted[day] < DAY_OF_ITS_OWN)


@given(COUNTED, NOW, DAYS, ROWS)
def test_a_day_that_joins_moves_no_other(counted, now, day, rows):
    before, after = part_of_day(counted, now), part_of_day({**counted, day: rows}, now)
    assert {name: part for name, part in after.items() if name != day} == {name: part for name, part in before.items() if name != day}


@given(COUNTED, NOW)
def test_a_month_that_is_not_over_is_never_joined(counted, now):
    assert f"{now:%Y-%m}" not in part_of_day(counted, now).values()


@given(st.lists(st.builds(Part, st.sampled_from("abc"), st.sampled_from(["b3:1", "b3:2", "b3:3"]), st.just(1)), max_size=6))
def test_the_new_parts_are_those_whose_bytes_were_not_there(parts):
    parts = ordered(parts)
    older = Snapshot("s", "b3:0", parts[::2], 1, 1)
    newer = Snapshot("s", "b3:0", parts, 1, 1)
    assert newer.new_since(None) == list(parts)
    assert newer.new_since(newer) == []
    assert {part.digest for part in newer.new_since(older)} == {p.digest for p in parts} - {p.digest for p in older.parts}
    assert [part.name for part in parts] == sorted(part.name for part in parts)
