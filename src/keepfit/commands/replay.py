"""`keepfit replay`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from keepfit import errors
from keepfit.commands.shared import Given, emit, options, working
from keepfit.instant import parse
from keepfit.loop.replay import replay
from keepfit.replay import NEVER, Rehearsal, Replay

__all__ = ["command", "told"]


@click.command("replay", epilog="Example: keepfit replay --policy bold.toml --policy careful.toml")
@click.option(
    "--policy",
    "policies",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A TOML file that says what differs in [refit], [monitor] or [gates]; again for several. Without it, the built-in ones.",
)
@click.option("--from", "begin", metavar="INSTANT", help="When the first model is fitted (by default with the project's first release).")
@click.option("--until", metavar="INSTANT", help="Where the replay ends (by default with what is known now).")
@click.option(
    "--keep", metavar="FOLDER", type=click.Path(path_type=Path, file_okay=False), help="Keep what each policy wrote in this new folder."
)
@options
def command(given: Given, policies: tuple[Path, ...], begin: str | None, until: str | None, keep: Path | None) -> None:
    """What policies would have done over the past: the loop's own steps on the rows as they came, side by side.

    The source and the log are only read; everything is played in a folder of its own, which is removed at the end.
    """
    ws = given.workspace()
    with working(given) as progress:
        found = replay(
            ws,
            now=given.now,
            policies=[path.absolute() for path in policies],
            begin=_instant(begin, "--from"),
            until=_instant(until, "--until"),
            keep=keep.absolute() if keep else None,
            progress=progress,
        )
    emit(given, found, lambda: told(found))


def _instant(text: str | None, at: str) -> datetime | None:
    try:
        return None if text is None else parse(text if "T" in text else f"{text}T00:00Z")
    except ValueError as error:
        fix = "write a day or an instant with an offset, as in 2013-03-01 or 2013-03-01T00:00Z"
        raise errors.BadArgument(f"'{text}' is not an instant: {error}", at=at, fix=fix) from None


def told(found: Replay) -> str:
    """A replay for people: one line for each policy, the best quality last, and the answer."""
    delay = "as they came" if found.label_delay == "0s" else f"{found.label_delay} late"
    lines = [f"{found.windows} windows of {found.window}, {found.rows:,} rows, labels {delay}", ""]
    worth = any(one.value is not None for one in found.policies)
    width = max(24, *(len(one.name) for one in found.policies))
    head = f"{'policy':<{width}}  {found.metric.replace('_', ' '):<22}{'promotions':>10}{'fits':>6}{'CPU-s':>8}{'labels':>10}"
    head += f"{'false alarms':>14}{'recovery':>10}" + (f"{'value per 1,000':>18}" if worth else "")
    lines.append(click.style(head, bold=True))
    lines += [_line(found, one, width, worth) for one in sorted(found.policies, key=lambda one: _order(found, one))]
    for name, figure in found.baselines.items():
        lines.append(click.style(f"{_BASELINES.get(name, name):<{width}}  {figure!s}", fg="bright_black"))
    lines += ["", f"Recommended: {found.recommended}: {found.because}."]
    taken = found[found.recommended]
    if taken.gain is not None:
        lines.append(f"Over {NEVER} it gains {taken.gain} {found.metric.replace('_', ' ')} (95 %, whole days resampled).")
    lines += [f"Note: {note}." for note in found.notes]
    return "\n".join(lines)


_BASELINES = {"constant": "(a constant answer)", "last_label": "(the last label)", "last_label_of_key": "(the last label of the key)"}


def _order(found: Replay, one: Rehearsal) -> tuple[bool, float]:
    return one.is_yardstick, one.quality.value if found.better == "higher" else -one.quality.value


def _line(found: Replay, one: Rehearsal, width: int, worth: bool) -> str:
    line = f"{one.name:<{width}}  {one.quality!s:<22}{one.promotions:>10}{one.fits:>6}{one.seconds:>8.1f}{one.labels:>10,}"
    line += f"{one.false_alarms:>14}{_recovery(found, one):>10}"
    if worth:
        line += f"{one.value.value if one.value else 0.0:>18,.0f}"
    return click.style(f"{line}   <- recommended", fg="green") if one.name == found.recommended else line


def _recovery(found: Replay, one: Rehearsal) -> str:
    if not found.changes:
        return "-"
    days = "never" if one.recovery is None else f"{one.recovery:.0f}d"
    return f"{days} (+{one.unrecovered})" if one.unrecovered and one.recovery is not None else days
