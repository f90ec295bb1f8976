"""`keepfit doctor`."""

from __future__ import annotations

import click

from keepfit.commands.shared import Given, emit, options
from keepfit.reports.diagnosis import Diagnosis, diagnose

__all__ = ["command"]

_MARKS = {"good": ("ok", "green"), "warning": ("look", "yellow"), "bad": ("bad", "red")}


@click.command("doctor", epilog="Example: keepfit doctor --json")
@options
def command(given: Given) -> int:
    """Whether this machine and this project are fit to work: libraries, stores, locks, disk, clock, leftovers.

    Exit status: 0 nothing is bad, 3 the installation or the project file is, 4 a store, the disk or the file system is.
    """
    found = diagnose(given.workspace, given.folder.resolve())
    emit(given, found, lambda: told(found, quiet=given.quiet))
    return found.exit_code


def told(found: Diagnosis, *, quiet: bool = False) -> str:
    """A diagnosis for people; with `quiet` only what is not good."""
    wide = max(len(check.name) for check in found.checks)
    lines = []
    for check in found.checks:
        if quiet and check.status == "good":
            continue
        mark, colour = _MARKS[check.status]
        lines.append(f"{click.style(f'{mark:<5}', fg=colour)} {check.name:<{wide}}  {check.found}")
        if check.fix:
            lines.append(f"{'':<{wide + 8}}fix: {check.fix}")
    counted = {status: sum(check.status == status for check in found.checks) for status in ("bad", "warning")}
    words = [f"{counted['bad']} bad" if counted["bad"] else "", f"{counted['warning']} to look at" if counted["warning"] else ""]
    lines.append(", ".join(filter(None, words)) or "All is well.")
    return "\n".join(lines)
