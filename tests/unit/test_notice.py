"""What of a window the loop must know: how answers came."""

from __future__ import annotations

from keepfit.notice import Pace, of_failures, of_latency


def test_answers_that_came_much_later_than_the_window_before_are_told_and_the_gravest_break_the_release():
    before = Pace(1000, 2_000.0)
    slower, far = of_latency(Pace(1000, 150_000.0), before), of_latency(Pace(1000, 1_500_000.0), before)
    assert (slower.kind, slower.severity, slower.effect) == ("latency", "warning", 150.0)
    assert far.severity == "critical"
    assert slower.because == "95 of 100 answers took up to 150 ms; 2 ms in the window before"


def test_answers_that_are_somewhat_slower_or_too_few_to_tell_are_no_signal():
    assert of_latency(Pace(1000, 9_000.0), Pace(1000, 2_000.0)) is None  # by milliseconds
    assert of_latency(Pace(1000, 500_000.0), Pace(1000, 300_000.0)) is None  # by less than three times
    assert of_latency(Pace(1000, 900_000.0), Pace(50, 2_000.0)) is None
    assert of_latency(Pace(20, 900_000.0), Pace(1000, 2_000.0)) is None


def test_answers_without_outputs_are_told_once_they_are_surely_more_than_a_few():
    assert of_failures(2, 1000) is None
    assert of_failures(30, 40) is None
    assert (of_failures(20, 1000).kind, of_failures(20, 1000).severity) == ("errors", "warning")
    assert of_failures(100, 1000).severity == "critical"
