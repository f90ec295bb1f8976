"""A page as one HTML file that needs nothing else, and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from markupsafe import escape

from keepfit import errors, files
from keepfit.loop.compare import Comparison
from keepfit.loop.report import Report
from keepfit.replay import Replay
from keepfit.reports.page import Block, Cell, Facts, Figure, Page, Picture, Table, Text

__all__ = ["Document", "check_ending", "html", "markdown"]

_HOSTILE = re.compile(r"([\\`*_{}\[\]<>#|~&!])")


@dataclass(frozen=True, slots=True)
class Document:
    """A report, a comparison or a replay: the record, and the page made of it. A notebook shows the page."""

    record: Report | Comparison | Replay
    page: Page

    @property
    def html(self) -> str:
        """The page as one HTML file."""
        return html(self.page)

    @property
    def markdown(self) -> str:
        """The page as Markdown."""
        return markdown(self.page)

    def write(self, path: str | Path) -> Path:
        """Write the page; a path that ends in `.md` gets Markdown, one in `.html` HTML.

        Raises
        ------
        BadArgument
            It ends in something else.
        """
        place = Path(path)
        check_ending(place)
        return files.write_whole(place, (self.markdown if place.suffix == ".md" else self.html).encode())

    def _repr_html_(self) -> str:
        # In a frame of its own: the page's style must not touch the notebook's.
        look = "width: 100%; height: 45rem; border: 0"
        return f'<iframe srcdoc="{escape(self.html)}" style="{look}" title="{escape(self.page.title)}"></iframe>'


def check_ending(path: Path, endings: Sequence[str] = (".html", ".htm", ".md")) -> None:
    """Refuse a file whose ending does not say HTML or Markdown.

    Raises
    ------
    BadArgument
        The ending is another.
    """
    if path.suffix not in endings:
        fix = f"name a {' or a '.join(endings[-2:])} file" if len(endings) > 1 else f"name a {endings[0]} file"
        raise errors.BadArgument(f"a report cannot be written as '{path.suffix or path.name}'", at="--output", fix=fix)


def html(page: Page) -> str:
    """One file: style and drawings inside, no script, and nothing that a browser would fetch."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined  # who only reads records starts without it

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
