"""The page's colours can be read in light and in dark: WCAG 2.2, success criteria 1.4.3 and 1.4.11, level AA."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from keepfit.reports.svg import clipped

STYLE = resources.files("keepfit.reports").joinpath("templates", "style.css").read_text(encoding="utf-8")


def colours(block):
    return dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{3,6})\b", block))


LIGHT = colours(STYLE.split("@media (prefers-color-scheme: dark)")[0])
DARK = LIGHT | colours(STYLE.split("@media (prefers-color-scheme: dark)")[1].split("* {")[0])
PAPER = LIGHT | colours(STYLE.split("@media print")[1])


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK, PAPER], ids=["light", "dark", "print"])
def test_text_and_marks_stand_out(theme):
    assert {"paper", "ink", "soft"} <= set(theme)
    texts = [("ink", "paper"), ("soft", "paper"), ("link", "paper"), ("ink", "panel"), ("soft", "panel")]
    for tone in ("good", "bad", "unsure"):
        texts += [(tone, f"{tone}-panel"), ("ink", f"{tone}-panel"), ("soft", f"{tone}-panel")]
        texts += [(other, f"{tone}-panel") for other in ("good", "bad", "unsure", "plain")]
    for text, behind in texts:
        assert contrast(theme[text], theme[behind]) >= 4.5, (text, behind)
    for mark in ("c0", "c1", "c2", "c3", "right", "wrong", "soft"):
        assert contrast(theme[mark], theme["paper"]) >= 3.0, mark


def test_every_colour_that_the_style_names_is_there():
    assert set(re.findall(r"var\(--([a-z0-9-]+)\)", STYLE)) - {"c"} <= set(LIGHT)


def test_a_label_is_cut_off_by_the_width_of_its_letters():
    assert clipped("short", 200) == "short"
    assert len(clipped("i" * 300, 200)) > len(clipped("x" * 300, 200)) > len(clipped("w" * 300, 200)) > len(clipped("日" * 300, 200))
    assert clipped("日" * 300, 1).endswith("…")
