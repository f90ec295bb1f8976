"""`keepfit lineage`."""

from __future__ import annotations

import click

from keepfit.commands import names
from keepfit.commands.shared import Given, emit, options
from keepfit.reports.lineage import Branch, Lineage, Node, lineage

__all__ = ["command"]

#: Parts of one snapshot that are shown one by one.
_SHOWN = 4


@click.command("lineage", epilog="Example: keepfit lineage champion; keepfit lineage r1 --json")
@click.argument("name", shell_complete=names.of_things)
@options
def command(given: Given, name: str) -> None:
    """What NAME was made from, down to the digests of the data, and what came of it.

    NAME is a candidate (c1), a release (r1), a role (champion), a snapshot by the beginning of its digest, a verdict or a
    window by the number of its entry, or a prediction by its id.
    """
    found = lineage(given.workspace(), name)
    emit(given, found, lambda: told(found))


def told(found: Lineage) -> str:
    """A lineage for people."""
    lines = [_line(found.thing, 0)]
    for words, branches in (("made of", found.made_of), ("led to", found.led_to)):
        lines.append(click.style(words, bold=True) if branches else f"{words}: nothing")
        shown: set[str] = set()
        lines += [line for branch in _few(branches) for line in _tree(branch, 1, shown)]
    return "\n".join(lines)


def _tree(branch: Branch | str, depth: int, shown: set[str]) -> list[str]:
    """A thing with what is below it, which is shown once."""
    if isinstance(branch, str):
        return [f"{'  ' * depth}{branch}"]
    if branch.node.id in shown and branch.branches:
        return [f"{'  ' * depth}{click.style(branch.node.id, bold=True)}  {branch.node.kind}, as above"]
    shown.add(branch.node.id)
    return [_line(branch.node, depth), *(line for inner in _few(branch.branches) for line in _tree(inner, depth + 1, shown))]


def _few(branches: tuple[Branch, ...]) -> list[Branch | str]:
    """Branches, of which many parts are counted."""
    parts = [branch for branch in branches if branch.node.kind == "part"]
    if len(parts) <= _SHOWN:
        return list(branches)
    more = f"… {len(parts) - _SHOWN} more parts: --json names them all"
    return [*(branch for branch in branches if branch.node.kind != "part"), *parts[:_SHOWN], more]


def _line(node: Node, depth: int) -> str:
    when = f" {node.at:%Y-%m-%d}" if node.at else ""
    digest = click.style(f"  {node.digest[:15]}", fg="bright_black") if node.digest and node.digest[:15] != node.id else ""
    return f"{'  ' * depth}{click.style(node.id, bold=True)}  {node.kind}{when}, {node.says}{digest}"
