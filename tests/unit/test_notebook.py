from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import ClassVar

import pytest
from rich.console import Console

from keepfit import notebook
from keepfit.evaluation import Measured
from keepfit.gate import Outcome
from keepfit.notebook import Records, html, markdown, outline, teach
from keepfit.verdict import Verdict

OUTCOMES = tuple(Outcome(f"gate {number}", "at_least", "passed", f"<b>{number}</b> | `x` *y*") for number in range(3))
VERDICT = Verdict("c2", None, "b3:" + "e" * 64, OUTCOMES)


@dataclass(frozen=True, slots=True)
class Everything:
    record: ClassVar[str] = "everything"
    version: ClassVar[int] = 1

    at: datetime
    share: float
    flag: bool
    nothing: None
    numbers: tuple[float, ...]
    names: tuple[str, ...]
    table: dict[str, object]
    measured: Measured
    outcomes: tuple[Outcome, ...]


EVERYTHING = Everything(
    datetime(2024, 3, 4, tzinfo=UTC),
    0.1 + 0.2,
    True,
    None,
    tuple(float(number) for number in range(1000)),
    ("a", "b"),
    {"deep": {"deeper": (1, 2)}, "<script>alert(1)</script>": "&", "empty": {}},
    Measured(0.75, 0.7, 0.8, "higher", (0.5,) * 99),
    OUTCOMES * 30,
)


class Balanced(HTMLParser):
    """Fails where a tag is closed that is not the last one open."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], set()

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def tags(text):
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    return parser.seen


@pytest.mark.parametrize("value", [VERDICT, EVERYTHING])
def test_a_record_is_a_table_whose_texts_are_escaped(value):
    text = html(value)
    assert tags(text) <= {"style", "div", "table", "caption", "tr", "th", "td", "p"}
    assert f"<caption>{value.record}</caption>" in text
    assert "<script>" not in text
    assert "<b>" not in text


def test_values_are_written_for_people():
    text = outline(EVERYTHING)
    assert text.startswith(
        "everything\n  at: 2024-03-04 00:00:00 UTC\n  share: 0.3\n  flag: true\n  nothing: -\n  numbers: 1,000 numbers\n"
    )
    assert f"measured: {EVERYTHING.measured}" in text
    assert "… 40 more" in text
    assert "      deeper: 1, 2" in text


def test_markdown_takes_every_text_as_it_is():
    text = markdown(VERDICT)
    assert text.startswith("**verdict**\n\n- candidate: c2\n- champion: -\n")
    assert "because: \\<b\\>0\\</b\\> \\| \\`x\\` \\*y\\*" in text


def test_records_of_one_kind_are_one_table():
    text = Records(OUTCOMES)._repr_html_()
    assert tags(text) == {"style", "div", "table", "tr", "th", "td"}
    assert text.count("<tr>") == 4
    assert Records(OUTCOMES)[-1] == OUTCOMES[-1]
    assert "<div" in Records(())._repr_html_()


def test_every_record_that_was_imported_learns_to_show_itself():
    teach()
    assert VERDICT._repr_html_() == html(VERDICT)
    assert VERDICT._repr_markdown_() == markdown(VERDICT)
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(VERDICT)
    assert "candidate: c2" in console.export_text()


def test_light_and_dark_pages_are_served_by_one_style():
    assert "color: inherit" in notebook._STYLE
    assert "#" not in notebook._STYLE
