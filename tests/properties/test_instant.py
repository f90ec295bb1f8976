from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepfit import instant, record
from keepfit.instant import Duration

OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=OFFSETS | st.just(UTC))  # noqa: DTZ001
DURATIONS = st.builds(
    lambda count, unit: Duration.parse(f"{count}{unit}"), st.integers(0, 50_000), st.sampled_from(["ms", "s", "m", "h", "d", "w"])
)


@given(INSTANTS)
def test_an_instant_comes_back_from_its_text_and_from_its_number(when):
    assert instant.parse(instant.show(when)) == when
    assert instant.from_micros(instant.micros(when)) == when
    assert instant.show(when).endswith("Z")
    assert record.plain(when.astimezone(UTC)) == instant.show(when)  # records and keys write one form


@given(INSTANTS, INSTANTS)
def test_the_numbers_of_instants_are_in_their_order(first, second):
    assert (instant.micros(first) < instant.micros(second)) == (first < second)
    assert instant.from_micros(instant.micros(first)) - instant.EPOCH == first - instant.EPOCH


@given(st.text(max_size=30) | st.datetimes().map(datetime.isoformat))
def test_a_text_without_an_offset_is_no_instant(text):
    try:
        parsed = instant.parse(text)
    except ValueError:
        return
    assert parsed.tzinfo is UTC


@pytest.mark.parametrize("text", ["0001-01-01T00:00+01:00", "9999-12-31T23:59:59-01:00"])
def test_an_instant_outside_the_years_1_to_9999_is_none(text):
    with pytest.raises(ValueError, match="instant"):
        instant.parse(text)


@given(DURATIONS)
def test_a_duration_comes_back_from_its_text(duration):
    assert Duration.parse(str(duration)) == duration
    assert hash(Duration.parse(str(duration))) == hash(duration)
    assert Duration.parse(f"  {duration} ") == duration


@given(DURATIONS, DURATIONS)
def test_durations_are_ordered_as_their_lengths(first, second):
    assert (first < second) == (first.microseconds < second.microseconds)
    assert (first <= second) == (first.delta <= second.delta)
    assert (first == second) == (str(first) == str(second))


@given(st.text(max_size=12))
def test_a_text_that_is_no_duration_is_a_value_error(text):
    try:
        duration = Duration.parse(text)
    except ValueError:
        return
    assert duration.microseconds >= 0


@pytest.mark.parametrize(("text", "hours"), [("7d", 168), ("2w", 336), ("36h", 36), ("90m", 1.5), ("3600s", 1), ("1800000ms", 0.5)])
def test_durations_are_exact(text, hours):
    assert Duration.parse(text).delta == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["7", "d", "-1d", "1.5h", "1D", "1d2h", "", "1µs", "9" * 400 + "d", "365251d"])
def test_what_is_no_number_and_unit_is_refused(text):
    with pytest.raises(ValueError, match=r"is not a duration|is longer"):
        Duration.parse(text)
