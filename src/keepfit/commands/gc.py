"""`keepfit gc`."""

from __future__ import annotations

import click

from keepfit import errors
from keepfit.commands.shared import Given, emit, options
from keepfit.instant import Duration
from keepfit.loop.sweep import Heap, Sweep, sweep

__all__ = ["command"]

#: Files of one heap that are shown by name.
_SHOWN = 3


@click.command("gc", epilog="Example: keepfit gc; keepfit gc --keep 10 --older-than 90d --yes")
@click.option(
    "--keep", default=5, show_default=True, metavar="N", type=click.IntRange(min=0), help="Keep the models of the newest N releases."
)
@click.option("--older-than", "older_than", default="30d", show_default=True, metavar="DURATION", help="Keep what is younger than this.")
@click.option("-y", "--yes", is_flag=True, help="Remove it. Without this nothing is changed.")
@options
def command(given: Given, keep: int, older_than: str, yes: bool) -> None:
    """What is no longer needed: models in no role, snapshots that no kept model learned from, what killed commands left.

    Every release in a role, the champion before, predictions, labels and all entries stay. What is removed is named in the
    ledger, so that `keepfit ledger verify` still finds the chain whole.
    """
    try:
        age = Duration.parse(older_than).delta
    except ValueError as error:
        raise errors.BadArgument(str(error), at="--older-than", fix="write a number and a unit: 30d, 12h") from None
    ws = given.workspace()
    if yes:
        with given.alone(ws):
            found = sweep(ws, now=given.now, keep=keep, age=age, remove=True)
    else:
        found = sweep(ws, now=given.now, keep=keep, age=age, remove=False)
    emit(given, found, lambda: told(found))


def told(found: Sweep) -> str:
    """What is, or was, no longer needed, for people."""
    if not found.heaps:
        return "Nothing to remove."
    lines = [line for heap in found.heaps for line in _lines(heap)]
    lines.append(f"kept      models of {', '.join(found.kept) or 'none'}")
    size = f"{sum(len(heap.files) for heap in found.heaps):,} files and folders, {found.bytes / 1e6:,.1f} MB"
    lines.append(f"Removed {size}." if found.removed else f"{size} could be removed: keepfit gc --yes")
    return "\n".join(lines)


def _lines(heap: Heap) -> list[str]:
    shown = ", ".join(heap.files[:_SHOWN]) + (f" and {len(heap.files) - _SHOWN} more" if len(heap.files) > _SHOWN else "")
    return [f"{heap.kind:<9} {heap.name}: {heap.because} ({heap.bytes / 1e6:,.1f} MB)", f"          {shown}"]
