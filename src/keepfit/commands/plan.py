"""`keepfit plan`."""

from __future__ import annotations

import click

from keepfit.commands.shared import Given, emit, options
from keepfit.loop.outlook import Outlook, outlook
from keepfit.spec import toml

__all__ = ["command"]

_COLOURS = {"runs": "yellow", "unchanged": "green", "depends": "bright_black"}


@click.command("plan", epilog="Example: keepfit plan --set model.trials=40")
@options
def command(given: Given) -> None:
    """What a run would do and why, what is unchanged, and where each setting comes from; nothing is done."""
    found = outlook(given.workspace(), now=given.now)
    emit(given, found, lambda: told(found, quiet=given.quiet))


def told(found: Outlook, *, quiet: bool = False) -> str:
    """What a run would do, for people."""
    lines = []
    for step in found.steps:
        head = f"{step.name:<8} {click.style(f'{step.does:<10}', fg=_COLOURS[step.does])}"
        first, *more = step.because or ("",)
        lines += [f"{head} {first}".rstrip(), *(f"{'':<19} {text}" for text in more)]
    last = "Next: keepfit run" if found.changed else f"A run would do nothing: champion {found.champion or '(none)'} is up to date."
    if quiet:
        return "\n".join([*lines, last])
    wide = max(len(setting.key) for setting in found.settings)
    values = [toml.value(setting.value) for setting in found.settings]
    far = min(48, max(map(len, values)))
    lines.append("")
    for setting, value in zip(found.settings, values, strict=True):
        line = f"{setting.key:<{wide}}  {value:<{far}}  {setting.origin}"
        lines.append(click.style(line, fg="bright_black") if setting.origin == "default" else line)
    return "\n".join([*lines, "", last])
