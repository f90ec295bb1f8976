"""How records show themselves: as a table in a notebook, as Markdown, on a rich console. One way for all of them."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any, TypeVar

from keepfit.record import Record

__all__ = ["Records", "html", "markdown", "outline", "teach"]

#: More rows of a list, members of a mapping, or characters of a text than this are counted instead.
_ROWS, _NUMBERS, _LONG = 50, 12, 300
#: Borders and shades of half-seen grey stand out from a light page and from a dark one.
_STYLE = """<style>
.keepfit table { border-collapse: collapse; margin: .2em 0; color: inherit; }
.keepfit th, .keepfit td { border: 1px solid rgba(127, 127, 127, .35); padding: .15em .6em; text-align: left; vertical-align: top; }
.keepfit th { background: rgba(127, 127, 127, .12); font-weight: 600; }
.keepfit caption { text-align: left; font-weight: 600; padding: .3em 0; }
</style>"""

T = TypeVar("T", bound=Record)


class Records(tuple[T, ...]):
    """Records of one kind, in order; a notebook shows them as one table."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return f'{_STYLE}<div class="keepfit">{_value_html(tuple(self))}</div>'

    def _repr_markdown_(self) -> str:
        return "\n\n".join(map(markdown, self)) or "none"


def teach() -> None:
    """Give every record's class that was imported the methods by which notebooks and consoles show it."""
    for module in [module for name, module in sys.modules.items() if name.startswith("keepfit.")]:
        for kind in vars(module).values():
            if inspect.isclass(kind) and is_dataclass(kind) and isinstance(vars(kind).get("record"), str):
                for name, method in (("_repr_html_", html), ("_repr_markdown_", markdown), ("__rich__", _rich)):
                    if not hasattr(kind, name):
                        setattr(kind, name, method)


def html(record: Record) -> str:
    """A record as a table of its members, tables inside; every text escaped."""
    return f'{_STYLE}<div class="keepfit">{_members_html(record, caption=record.record)}</div>'


def _members_html(value: Any, caption: str = "") -> str:
    rows = "".join(f'<tr><th scope="row">{escape(_words(name))}</th><td>{_value_html(inner)}</td></tr>' for name, inner in _members(value))
    return f"<table>{f'<caption>{escape(caption)}</caption>' if caption else ''}{rows}</table>"


def _value_html(value: Any) -> str:
    if (text := _scalar(value)) is not None:
        return escape(text)
    if isinstance(value, Mapping) or is_dataclass(value):
        return _members_html(value)
    items = list(value)[:_ROWS]
    more = f"<p>… {len(value) - _ROWS:,} more</p>" if len(value) > _ROWS else ""
    if items and all(is_dataclass(item) and type(item) is type(items[0]) for item in items):
        names = [name for name, _ in _members(items[0])]
        head = "".join(f'<th scope="col">{escape(_words(name))}</th>' for name in names)
        rows = "".join(f"<tr>{''.join(f'<td>{_value_html(inner)}</td>' for _, inner in _members(item))}</tr>" for item in items)
        return f"<table><tr>{head}</tr>{rows}</table>{more}"
    return "".join(f"<div>{_value_html(item)}</div>" for item in items) + more


def markdown(record: Record) -> str:
    """A record as a heading and nested points."""
    return f"**{record.record}**\n\n" + "\n".join(f"{'  ' * depth}- {_escaped(text)}" for depth, text in _lines(record, 0))


def _escaped(text: str) -> str:
    """Text that Markdown takes as it is."""
    return "".join(f"\\{character}" if character in "\\`*_{}[]<>#|~$" else character for character in text.replace("\n", " "))


def outline(record: Record) -> str:
    """A record as indented lines."""
    return "\n".join([record.record, *(f"{'  ' * (depth + 1)}{text}" for depth, text in _lines(record, 0))])


def _rich(record: Record) -> Any:
    from rich.text import Text  # who prints without it never needs it

    return Text(outline(record))


def _lines(value: Any, depth: int) -> Iterator[tuple[int, str]]:
    for name, inner in _members(value):
        text = _scalar(inner)
        yield depth, f"{_words(name)}: {text}" if text is not None else _words(name)
        if text is None:
            yield from _inside(inner, depth + 1)


def _inside(value: Any, depth: int) -> Iterator[tuple[int, str]]:
    if isinstance(value, Mapping) or is_dataclass(value):
        yield from _lines(value, depth)
        return
    for number, item in enumerate(list(value)[:_ROWS]):
        text = _scalar(item)
        yield depth, text if text is not None else _title(item, number)
        if text is None:
            yield from _inside(item, depth + 1)
    if len(value) > _ROWS:
        yield depth, f"… {len(value) - _ROWS:,} more"


def _title(item: Any, number: int) -> str:
    """What tells one of several from the others: its first member that is a text."""
    first = next((inner for _, inner in _members(item) if isinstance(inner, str)), None) if is_dataclass(item) else None
    return first or f"{number + 1}"


def _members(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        shown = [(str(name), inner) for name, inner in list(value.items())[:_ROWS]]
        return [*shown, ("…", f"{len(value) - _ROWS:,} more")] if len(value) > _ROWS else shown
    return [(field.name, getattr(value, field.name)) for field in fields(value)]


def _words(name: str) -> str:
    return name.replace("_", " ") if name.isidentifier() else name


def _scalar(value: Any) -> str | None:
    """The text of a value that needs no table; None for one that does."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, str):
        return value if len(value) <= _LONG else f"{value[:_LONG]}…"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if is_dataclass(value) and "__str__" in vars(type(value)):
        return str(value)
    if isinstance(value, Mapping) or is_dataclass(value):
        return "none" if isinstance(value, Mapping) and not value else None
    if isinstance(value, Sequence):
        return _few(value)
    return str(value)


def _few(values: Sequence[Any]) -> str | None:
    """A short list of plain values on one line; a long one of numbers is counted."""
    if not values:
        return "none"
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values) and len(values) > _NUMBERS:
        return f"{len(values):,} numbers"
    texts = [_scalar(value) for value in values[: _NUMBERS + 1]]
    plain = len(values) <= _NUMBERS and not any(is_dataclass(value) for value in values)
    return ", ".join(str(text) for text in texts) if plain and all(text is not None for text in texts) else None
