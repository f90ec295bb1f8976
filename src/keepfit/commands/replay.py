"""`keepfit replay`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from keepfit import errors
from keepfit.commands import names
from keepfit.commands.report import check, write
from keepfit.commands.shared import Given, emit, options, working
from keepfit.instant import EPOCH, parse
from keepfit.loop.again import Again, answer_again
from keepfit.loop.replay import replay
from keepfit.replay import NEVER, Rehearsal, Replay
from keepfit.reports.render import Document
from keepfit.reports.replay import page
from keepfit.window import FOR_EVER, Interval

__all__ = ["command", "told", "told_again"]


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
@click.option("--release", shell_complete=names.of_things, help="With --log: the release or candidate that answers again.")
@click.option("--log", "of_log", is_flag=True, help="Answer what the log holds again by --release, in place of playing policies.")
@click.option("-o", "--output", metavar="FILE", help="A page on it: a .html or .md file, or - for standard output.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Write Markdown instead of HTML.")
@click.option("--open", "opened", is_flag=True, help="Show the page in a browser.")
@options
def command(
    given: Given,
    policies: tuple[Path, ...],
    begin: str | None,
    until: str | None,
    keep: Path | None,
    release: str | None,
    of_log: bool,
    output: str | None,
    as_markdown: bool,
    opened: bool,
) -> None:
    """What policies would have done over the past: the loop's own steps on the rows as they came, side by side.

    The source and the log are only read; everything is played in a folder of its own, which is removed at the end. With
    --release and --log, logged traffic is answered again by that release, beside what was answered then.
    """
    check(output, as_markdown=as_markdown)
    if of_log or release is not None:
        _again(given, release, of_log, _instant(begin, "--from"), _instant(until, "--until"))
        return
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
    shown = Document(found, page(found))
    wanted = output is not None or opened
    path = write(ws, shown, "replay", output, as_markdown=as_markdown) if wanted else None
    if output == "-":
        return
    emit(given, found, lambda: told(found) + (f"\nReport: {path}" if path else ""))
    if opened and path is not None:
        click.launch(str(path))


def _again(given: Given, release: str | None, of_log: bool, begin: datetime | None, until: datetime | None) -> None:
    if release is None or not of_log:
        fix = "keepfit replay --release r2 --log"
        raise errors.BadArgument("--release and --log belong together: who answers, and what", at="--release", fix=fix)
    ws = given.workspace()
    within = Interval(begin or EPOCH, until or FOR_EVER) if begin or until else None
    with working(given) as progress:
        found = answer_again(ws, release, now=given.now, within=within, progress=progress)
    emit(given, found, lambda: told_again(found))


def told_again(found: Again) -> str:
    """Logged traffic that was answered again, for people."""
    by = " and ".join(found.by)
    lines = [
        f"{found.rows:,} answers of {by}, {found.begin:%Y-%m-%d} to {found.end:%Y-%m-%d}, given again by {found.release}",
        f"  agreement   {found.agreed:.1%} of the decisions; outputs {found.apart[0]:.4g} apart, 99 of 100 within {found.apart[1]:.4g}",
    ]
    name = found.metric.replace("_", " ")
    if found.gain is not None:
        lines.append(
            f"  quality     {name} {found.then} then, {found.now} by {found.release}, on {found.labelled:,} rows that are new to it"
        )
        word = "better" if found.gain.low > 0 else "worse" if found.gain.high < 0 else "not clearly better or worse"
        lines.append(f"              gain {found.gain}: {word}")
    else:
        lines.append(f"  quality     {found.labelled:,} labelled rows are new to {found.release}: too few to compare")
    lines.append(
        f"  latency     {found.answers_us[0]:.0f} µs on median, {found.answers_us[1]:.0f} µs for 99 of 100, of the predictor alone"
    )
    if found.logged_us is not None:
        lines.append(f"              {found.logged_us[0]:.0f} µs and {found.logged_us[1]:.0f} µs then, with the server")
    return "\n".join(lines)


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
