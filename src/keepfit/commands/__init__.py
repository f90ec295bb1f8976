"""The command line: each command parses, calls one step of the library, and prints."""

from __future__ import annotations

import gc as collector  # `gc` and `freeze` are commands, whose modules take these names here
import importlib
import json
import os
import re
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Any

import click

from keepfit.errors import KeepfitError, near_match

if TYPE_CHECKING:
    from types import FrameType

    from click.shell_completion import CompletionItem

__all__ = ["main"]

#: The exit status of a command that was interrupted.
INTERRUPTED = 130

#: Every command with its one line of help, so that `--help` imports none of them.
COMMANDS = {
    "demo": "See the whole loop close on real flights, through a year of them.",
    "init": "Look at a table and write a project file that runs.",
    "check": "Say whether the project file holds, without reading the data.",
    "plan": "What a run would do, and why.",
    "run": "Take the data, fit, judge, and release what passes.",
    "schema": "The table's columns, what changed, what does not fit, what is suspected.",
    "serve": "Answer predictions over HTTP.",
    "key": "Make, list and revoke the API keys of the server.",
    "predict": "Ask a server about rows.",
    "score": "Predict every row of a table.",
    "label": "Bring late truth from a table.",
    "watch": "Look once at the windows whose labels are due.",
    "turn": "Do the one thing that is due.",
    "loop": "Do what is due, again and again, until stopped.",
    "up": "Serve and loop together, for a laptop or one container.",
    "replay": "What policies would have done over the past, side by side.",
    "status": "How the project stands.",
    "promote": "Make a release the champion, by a person, with a reason.",
    "rollback": "Make the previous champion the champion again.",
    "approve": "Let a challenger go on that waits for a person.",
    "veto": "Keep a challenger from going on.",
    "freeze": "Keep the loop from changing anything, or let it go on.",
    "history": "What happened, newest last.",
    "compare": "Two candidates on the same rows, none of which either learned from.",
    "report": "One page on a candidate or release, to read or to send.",
    "show": "One candidate, release, verdict or entry, whole.",
    "gc": "Remove what is no longer needed; a dry run by default.",
    "upgrade": "Rewrite a folder of an older format; a dry run by default.",
    "doctor": "Whether this machine and this project are fit to work.",
    "lineage": "What a thing was made from, and what came of it.",
    "completion": "Make the shell complete commands, options and names.",
    "ledger": "Verify or export the chain of entries.",
}


class Lazy(click.Group):
    """A group that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        # What is imported stays to the end: looking for garbage among it is lost time, while it grows and afterwards.
        collects = collector.isenabled()
        collector.disable()
        try:
            command: click.Command = importlib.import_module(f"keepfit.commands.{cmd_name}").command
        finally:
            collector.freeze()
            if collects:
                collector.enable()
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem  # only the shell asks

        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [CompletionItem(name, help=says) for name, says in COMMANDS.items() if name.startswith(incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(f"There is no command '{args[0]}': {near_match(args[0], COMMANDS)}", ctx) from error


@click.group(
    cls=Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Begin with: keepfit demo",
)
@click.version_option(package_name="keepfit", message="keepfit %(version)s")
def group() -> None:
    """State the problem once; keepfit builds a model, proves it fit, ships it, watches it, and refits it."""


def main(arguments: list[str] | None = None) -> None:
    """Run a command and end the process with its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    told = _Told()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, told)
    code = _run(arguments, told)
    if code == INTERRUPTED:
        # The interpreter may end an interrupted process by the signal instead of the status that it is given.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


class _Told:
    """Raises on Ctrl-C as Python does, and remembers it: a library may turn what is raised into an error of its own."""

    def __init__(self) -> None:
        self.to_stop = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.to_stop = True
        raise KeyboardInterrupt


def _run(arguments: list[str], told: _Told) -> int:
    try:
        code: Any = group.main(arguments, prog_name="keepfit", standalone_mode=False, color=_colour())
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.ClickException as error:
        error.show()
        return 3
    except (click.Abort, KeyboardInterrupt):
        return _interrupted()
    except (BrokenPipeError, SystemExit):  # nobody reads the output any more; click ends the process then
        return 0
    except KeepfitError as error:
        if {"-v", "--verbose"} & set(arguments):
            traceback.print_exc()
        _show(error, as_json="--json" in arguments)
        return error.exit_code
    except BaseException as error:  # noqa: BLE001 - the last line of defence: a defect of ours is said to be one
        if told.to_stop:
            return _interrupted()
        traceback.print_exc()
        click.echo(f"\nThis is a defect of keepfit ({type(error).__name__}); please report it with the lines above.", err=True)
        return 70


def _colour() -> bool | None:
    """Colour as `NO_COLOR` and `FORCE_COLOR` say; on terminals alone when neither is set."""
    return False if os.environ.get("NO_COLOR") else True if os.environ.get("FORCE_COLOR") else None


def _interrupted() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # one that is still under way must not end the process in another way
    click.echo("interrupted: what was finished is kept", err=True)
    return INTERRUPTED


def _show(error: KeepfitError, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"error": error.to_json()}))
        return
    head, *rest = _listed(error) if len(error.faults) > 1 else str(error).splitlines()
    click.echo(click.style(head, fg="red", bold=True), err=True)
    for line in rest:
        click.echo(click.style(line, bold=line.startswith("KF")), err=True)
    click.echo(f'exit {error.exit_code}        more: the page "errors" of the documentation', err=True)


def _listed(error: KeepfitError) -> list[str]:
    """Several faults, in the order of the file: code and message, place, and below them the remedy."""
    told = sorted(((f"{fault.code} {fault.message}", _place(fault, error.at), fault.fix) for fault in error.faults), key=_line)
    wide = min(72, max(len(message) for message, _, _ in told))
    far = max(len(place) for _, (place, _), _ in told)
    lines = [error.message, ""]
    for message, (place, key), fix in told:
        lines.append(f"{message:<{wide}}    {place:<{far}}   {key}".rstrip())
        if fix:
            lines.append(f"      fix: {fix}")
    return lines


def _place(fault: KeepfitError, file: str) -> tuple[str, str]:
    """Where a fault lies: the line, variable or option, and the key."""
    place, _, key = fault.at.removeprefix(f"{file}: ").rpartition(": ")
    return place, key


def _line(told: tuple[str, tuple[str, str], str]) -> tuple[bool, int]:
    """The line of a fault, for sorting; what stands in no line comes last, in the order in which it was found."""
    found = re.search(r"\bline (\d+)$", told[1][0])
    return (found is None, int(found[1]) if found else 0)
