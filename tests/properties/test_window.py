from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from keepfit.instant import WEEKS_BEGIN, Duration
from keepfit.window import closed, containing

INSTANTS = st.datetimes(datetime(1800, 1, 1), datetime(2300, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
LENGTHS = st.sampled_from(["1h", "6h", "1d", "7d", "10d", "4w", "90m"]).map(Duration.parse)


@given(INSTANTS, LENGTHS)
def test_every_instant_lies_in_one_window(when, length):
    window = containing(when, length)
    assert window.begin <= when < window.end
    assert window.end - window.begin == length.delta
    assert (window.begin - WEEKS_BEGIN) % length.delta == timedelta(0)
    assert containing(window.begin, length) == window
    assert containing(window.end, length).begin == window.end
    assert containing(window.begin - timedelta(microseconds=1), length).end == window.begin


@given(INSTANTS)
def test_windows_of_a_week_begin_on_mondays_at_midnight(when):
    begin = containing(when, Duration.parse("7d")).begin
    assert (begin.weekday(), begin.hour, begin.minute, begin.second, begin.microsecond) == (0, 0, 0, 0, 0)


@given(INSTANTS, st.timedeltas(timedelta(0), timedelta(days=30)), LENGTHS, st.sampled_from(["0s", "1h", "1d", "9d"]).map(Duration.parse))
def test_the_closed_windows_are_those_whose_labels_are_due_without_a_hole(first, later, length, delay):
    now = first + later
    found = list(closed(first, now, length, delay))
    expected = containing(first, length)
    for window in found:
        assert window == expected
        assert window.end + delay.delta <= now
        expected = containing(window.end, length)
    assert expected.end + delay.delta > now
