"""A page as one HTML file that needs nothing else, and as Markdown."""

from __future__ import annotations

import re
from importlib import resources

from jinja2 import Environment, FunctionLoader, StrictUndefined

from keepfit.reports.page import Block, Cell, Facts, Figure, Page, Picture, Table, Text

__all__ = ["html", "markdown"]

_HOSTILE = re.compile(r"([\\`*_{}\[\]<>#|~&!])")


def html(page: Page) -> str:
    """One file: style and drawings inside, no script, and nothing that a browser would fetch."""
    environment = Environment(
        autoescape=True, loader=FunctionLoader(_template), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_joined
    )
    environment.filters["kind"] = lambda block: type(block).__name__.lower()
    environment.tests["picture"] = lambda cell: isinstance(cell, Picture)
    return environment.get_template("page.html").render(page=page)


def _joined(value: object) -> object:
    """A number keeps its percent sign on its line."""
    return value.replace(" %", "\u00a0%") if type(value) is str else value


def _template(name: str) -> str:
    return resources.files("keepfit.reports").joinpath("templates", name).read_text(encoding="utf-8")


def markdown(page: Page) -> str:
    """The same in Markdown; in place of each drawing stands the table behind it."""
    first = page.opening
    lines = [f"# {_plain(first.headline)}", "", _plain(first.kicker), ""]
    lines += [f"{_plain(sentence)}  " for sentence in first.sentences]
    lines += ["", f"**{_plain(first.verdict)}**: {_plain(first.verdict_says)}", ""]
    lines += [f"- {_plain(gate.name)}: **{_plain(gate.word)}**, {_plain(gate.because)}" for gate in first.gates]
    if first.figure is not None:
        lines += ["", *_block(first.figure)]
    for section in page.sections:
        lines += ["", f"## {_plain(section.title)}", ""]
        for block in section.blocks:
            lines += [*_block(block), ""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join([*lines, "", f"*{_plain(page.footer)}*", ""]))


def _block(block: Block) -> list[str]:
    match block:
        case Text(text=text):
            return [_plain(text), ""]
        case Facts(pairs=pairs):
            return [f"- **{_plain(name)}**: {_plain(said)}" for name, said in pairs]
        case Figure(title=title, reading=reading, table=table):
            return [f"### {_plain(title)}", "", _plain(reading), "", *_block(table)]
        case Table(caption=caption, heads=heads, rows=rows, numbers=numbers):
            drawn = {place for row in rows for place, cell in enumerate(row) if isinstance(cell, Picture)}
            kept = [place for place in range(len(heads)) if place not in drawn]
            head = "| " + " | ".join(_plain(heads[place]) for place in kept) + " |"
            rule = "|" + "|".join("---:" if place in numbers else "---" for place in kept) + "|"
            body = ["| " + " | ".join(_cell(row[place]) for place in kept) + " |" for row in rows]
            return [f"*{_plain(caption)}*", "", head, rule, *body, ""]


def _cell(cell: Cell) -> str:
    return _plain(cell.text if isinstance(cell, Picture) else cell)


def _plain(text: str) -> str:
    """A text that means itself in Markdown: on one line, with every sign that could be markup told apart."""
    return _HOSTILE.sub(r"\\\1", " ".join(text.split()))
