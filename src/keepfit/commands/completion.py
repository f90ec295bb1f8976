"""`keepfit completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from keepfit.commands.shared import Given, options

__all__ = ["command"]

#: Under this variable the shell asks what may follow; click reads it.
VARIABLE = "_KEEPFIT_COMPLETE"


@click.command("completion", epilog='Example: eval "$(keepfit completion bash)"')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@options
def command(given: Given, shell: str) -> None:
    """Print what makes SHELL complete commands, options and names of candidates and releases.

    bash and zsh: eval "$(keepfit completion bash)", in ~/.bashrc or ~/.zshrc. fish: keepfit completion fish | source.
    """
    kind = get_completion_class(shell)
    assert kind is not None
    root = click.get_current_context().find_root()
    click.echo(kind(root.command, {}, "keepfit", VARIABLE).source())
