"""A page, before it is HTML or Markdown: an opening, sections, and in them text, tables, figures and facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["Block", "Cell", "Facts", "Figure", "Gate", "Opening", "Page", "Picture", "Section", "Table", "Text", "Tone"]

#: What a word or a mark says: good, bad, not known, or nothing of the kind.
Tone: TypeAlias = Literal["good", "bad", "unsure", "plain"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing: for wide screens and paper, for narrow ones, and in words."""

    wide: Markup
    narrow: Markup
    text: str


Cell: TypeAlias = str | Picture


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under heads. `numbers` are the columns that hold numbers, `codes` those that hold digests.

    A `folded` one is shown when somebody asks for it.
    """

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numbers: frozenset[int] = frozenset()
    codes: frozenset[int] = frozenset()
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A plot whose title is its finding, how to read it, and the table behind it."""

    title: str
    picture: Picture
    reading: str
    table: Table


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with what they are."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Text:
    """One paragraph; `aside` ones are remarks."""

    text: str
    aside: bool = False


Block: TypeAlias = Text | Table | Figure | Facts


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its blocks. `id` is what links lead to."""

    id: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate's answer, as the opening shows it."""

    name: str
    word: str
    tone: Tone
    because: str


@dataclass(frozen=True, slots=True)
class Opening:
    """The first screen: what it is about, what it comes to, the verdict as a word with its gates, and one figure.

    `legend` says what the picture shows: words, how many, and the kind in which they are drawn.
    """

    kicker: str
    headline: str
    sentences: tuple[str, ...]
    picture: Picture | None
    legend: tuple[tuple[str, int, str], ...]
    verdict: str
    tone: Tone
    verdict_says: str
    gates: tuple[Gate, ...]
    figure: Figure | None


@dataclass(frozen=True, slots=True)
class Page:
    """All of it. `title` names the page in a browser's tab, `footer` says how it was made."""

    title: str
    opening: Opening
    sections: tuple[Section, ...]
    footer: str
