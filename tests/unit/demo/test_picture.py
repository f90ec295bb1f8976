"""The demo's picture fits the terminal and shows what was saved, who took over and what is open."""

from __future__ import annotations

from datetime import timedelta

import click
import pytest
from rich.console import Console

from keepfit.commands.demo import Lines
from keepfit.demo.course import WEEK, Week
from keepfit.demo.picture import picture
from keepfit.demo.story import MONDAY, Scene
from keepfit.evaluation import Gain
from keepfit.incident import Incident


def week(place, saved=0.0, **more):
    return Week(MONDAY + place * WEEK, 6500, ("r1",), 0.2, 0.15, 0.1, 0.4, 0.4 + saved, **more)


WEEKS = (week(-1), week(0, 0.02, promoted="r3"), week(1, -0.01, opened=("quality",)), week(2, 0.01, promoted="r12"))
OPEN = Incident(1, "quality", "r3", ("log_loss",), "warning", 0.1, True, "worse", MONDAY, None)
SCENE = Scene(
    now=MONDAY + 3 * WEEK + timedelta(days=1),
    flights=26_000,
    champion="r12",
    challenger="r13",
    weeks=WEEKS,
    incidents=(OPEN,),
    doing="fitting lightgbm on 90,000 rows",
    gain=(13_000, Gain(0.0123, 0.008, 0.0171)),
)


def drawn(scene, width):
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as said:
        console.print(picture(scene, width))
    return said.get().splitlines()


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("scene", [Scene(), Scene(of=2), SCENE])
def test_it_fits_the_terminal(scene, width):
    lines = drawn(scene, width)
    assert len(lines) <= 24
    assert all(len(line.rstrip()) <= width for line in lines)


def test_bars_rise_where_loss_was_saved_and_hang_where_it_was_lost():
    lines = drawn(SCENE, 80)
    top, bottom = (next(n for n, line in enumerate(lines) if text in line) for text in ("+0.020", "-0.010"))
    columns = [[line[11 + place] for line in lines[top : bottom + 1]] for place in range(5)]
    assert columns[1][:4] == ["█"] * 4
    assert columns[3][:4] == [" ", " ", "█", "█"]
    assert columns[0] == columns[4] == [" "] * 6
    assert columns[2][:4] == [" "] * 4  # what hangs is drawn in reverse, so a whole block is a space


def test_who_took_over_and_where_an_incident_was_opened_stands_under_the_weeks():
    for width, each in ((80, 1), (120, 2)):
        by_name = {line.split()[0]: line[11:] for line in drawn(SCENE, width) if line.strip()}
        assert by_name["promoted"].split() == (["3", "▲"] if each == 1 else ["3", "12"])
        assert by_name["promoted"].index("3") == each
        assert by_name["incidents"].index("!") == 2 * each
        assert by_name["Mar"]
        assert by_name["late"].split()[-1] == "20.0%"


def test_words_say_what_was_gained_who_answers_what_is_open_and_what_comes():
    told = "\n".join(drawn(SCENE, 120))
    assert "+0.0123 [+0.0080, +0.0171] log loss, on 13,000 flights" in told
    assert "r12, after 26,000 flights; r13 waits as challenger" in told
    assert "quality of r3 since 04 Mar" in told
    assert "25-31 Mar come by Tuesday 02 April" in told


def test_a_week_is_a_line_where_there_is_no_terminal():
    said = []
    Lines(said.append).week(WEEKS[1])
    assert [click.unstyle(line) for line in said] == [
        "  04 Mar-10 Mar   6,500 flights, 20.0% late where 15.0% was expected, log loss 0.400, saved +0.0200; r3 is champion now"
    ]
