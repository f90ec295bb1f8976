"""`keepfit status`."""

from __future__ import annotations

import click

from keepfit.commands.shared import Given, emit, options
from keepfit.reports.status import Status, status

__all__ = ["command"]


@click.command("status", epilog="Example: keepfit status --json")
@options
def command(given: Given) -> None:
    """How the project stands: its champion, the newest window, the challenger, what is next."""
    found = status(given.workspace(), now=given.now)
    emit(given, found, lambda: told(found))


def told(found: Status) -> str:
    """The status for people."""
    if found.champion is None:
        return f"{found.project}        no champion yet        Next: keepfit run"
    age = "" if found.champion_since is None else f", since {found.champion_since:%Y-%m-%d %H:%M} UTC"
    lines = [f"{found.project}        champion {click.style(found.champion, bold=True)}{age}"]
    if found.window is not None:
        seen = found.window
        lines.append(
            f"  traffic        {seen.predictions:,} predictions from {seen.begin:%Y-%m-%d} to {seen.end:%Y-%m-%d}, {seen.labels:,} labels"
        )
        if seen.evaluation is not None:
            metric = "roc_auc" if "roc_auc" in seen.evaluation.metrics else next(iter(seen.evaluation.metrics))
            at_release = f", at release {found.at_release[metric].value:.4g}" if found.at_release else ""
            lines.append(f"  quality        {metric} {seen.evaluation[metric]}{at_release}")
    else:
        lines.append("  traffic        no window has been looked at yet")
    lines.append(f"  challenger     {found.challenger + ' waits in the shadow' if found.challenger else 'none'}")
    lines.append(f"  ledger         {found.entries} entries")
    return "\n".join(lines)
