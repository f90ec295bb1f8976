"""A page as HTML and as Markdown: nothing in it is taken for markup, and nothing is fetched."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from keepfit.reports import plots
from keepfit.reports.page import Facts, Figure, Gate, Opening, Page, Picture, Section, Table, Text
from keepfit.reports.quality import picture
from keepfit.reports.render import html, markdown

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a | b",
    "`x` *y* [z](http://e.example)",
    "line\nbreak",
    "&amp;",
    "]]>",
    "</svg>",
]


def hostile_page(text):
    table = Table(text, (text, "n"), ((text, "1"), (Picture(plots.spark((), text), plots.spark((), text), text), "2")), frozenset({1}))
    drawn = picture(lambda width: plots.ranks(width, text, [plots.Rank(text, 1.0, 0.5, 2.0)], text), text)
    figure = Figure(text, drawn, text, table)
    opening = Opening(text, text, (text,), drawn, ((text, 3, "right n0"),), text, "good", text, (Gate(text, text, "bad", text),), figure)
    return Page(text, opening, (Section("one", text, (Text(text), Facts(((text, text),)), figure, table)),), text)


class Seen(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts, self.open = set(), [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in {"meta", "link", "br", "wbr"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_markup_in_html(text):
    plain, seen = Seen(html(hostile_page("plain"))), Seen(html(hostile_page(text)))
    assert seen.tags == plain.tags
    assert "script" not in seen.tags | plain.tags
    assert seen.open == []
    assert {name for name, _ in seen.attributes} == {name for name, _ in plain.attributes}
    assert text in "".join(seen.texts)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_markup_in_markdown(text):
    shown, plain = markdown(hostile_page(text)), markdown(hostile_page("plain"))
    assert len(shown.splitlines()) == len(plain.splitlines())
    bare = shown.replace("\\<", "").replace("\\|", "").replace("\\`", "").replace("\\[", "")
    assert "<" not in bare
    assert "`" not in bare
    assert "[" not in bare
    for line, same in zip(bare.splitlines(), plain.splitlines(), strict=True):
        assert line.count("|") == same.count("|")


def test_the_html_names_no_address_that_a_browser_would_fetch():
    seen = Seen(html(hostile_page("plain")))
    for name, value in seen.attributes:
        if name in {"src", "href", "srcset", "data", "poster", "action"}:
            assert value.startswith("#") or value == "data:,", (name, value)
        assert "url(" not in (value or "")
    style = html(hostile_page("plain")).split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_every_drawing_and_table_says_what_it_is_to_those_who_cannot_see_it():
    shown = html(hostile_page("plain"))
    assert shown.count("<svg ") == shown.count("<title>") - 1 - shown.count("<circle ") == shown.count('role="img"')
    assert shown.count("<table ") == shown.count("<caption>")
    assert shown.count("<th ") == shown.count('scope="')
