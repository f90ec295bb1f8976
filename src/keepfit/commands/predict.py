"""`keepfit predict`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from keepfit import errors
from keepfit.client import Answer, Client
from keepfit.commands.rows import Written, typed, written
from keepfit.commands.shared import Given, emit, options

__all__ = ["command"]

#: Rows of one request.
AT_ONCE = 1000
#: Somebody waits: where no server is, it is said soon.
TRIES = 3

EXAMPLES = """\b
Examples:
  keepfit predict carrier=UA origin=EWR departure=2013-07-01T17:00Z
  keepfit predict tomorrow.csv --url https://models.example.org --json
  cat rows.ndjson | keepfit predict -
"""


@click.command("predict", epilog=EXAMPLES)
@click.argument("row", nargs=-1, metavar="[ROW]...")
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="Where the server is.")
@click.option("--key", help="An API key; better in KEEPFIT_KEY, where no list of processes shows it.")
@click.option("--ca", type=click.Path(exists=True, dir_okay=False), help="The authorities in PEM that vouch for the server.")
@click.option("--timeout", default=10.0, show_default=True, type=click.FloatRange(0.001), help="Seconds that one try may take.")
@options
def command(given: Given, row: tuple[str, ...], url: str, key: str | None, ca: str | None, timeout: float) -> None:
    """Ask a server about rows: ROW is column=value …, a csv or JSON file, or - for standard input.

    Every answer is on the server's record; a request that is sent again is counted once. To score a whole table without a
    server there is `keepfit score`.
    """
    if not row and sys.stdin.isatty():
        raise errors.BadArgument("there is no row", at="ROW", fix="give column=value …, a csv or JSON file, or -")
    asked = written(row)
    with Client(url, key=key or os.environ.get("KEEPFIT_KEY"), timeout=timeout, tries=TRIES, verify=ca or True) as client:
        served = client.release()
        rows = typed(asked.rows, served.columns) if asked.texts else list(asked.rows)
        answers = [answer for begin in range(0, len(rows), AT_ONCE) for answer in _ask(client, rows, asked, begin)]
    said = [_said(one) for one in answers]
    if given.quiet and not given.as_json:
        click.echo("\n".join(_word(one.prediction) for one in answers))
    else:
        emit(given, {"release": served.id, "predictions": said}, lambda: "\n".join(_lines(served.target, answers)))


def _ask(client: Client, rows: Sequence[Any], asked: Written, begin: int) -> list[Answer]:
    """Answers to some of the rows; a fault is told with its place among all of them."""
    some = slice(begin, begin + AT_ONCE)
    try:
        return client.predict(rows[some], ids=asked.ids and asked.ids[some], subjects=asked.subjects and asked.subjects[some])
    except errors.BadRequest as error:
        number, bracket, rest = error.at.removeprefix("rows[").partition("]")
        at = f"rows[{int(number) + begin}]{rest}" if bracket and number.isdigit() else error.at
        raise errors.BadRequest(error.message, at=at, fix=error.fix) from None


def _said(one: Answer) -> dict[str, Any]:
    """An answer as the server says it."""
    said = {"id": one.id, "prediction": one.prediction, **one.outputs, "decision": one.decision, "warnings": one.warnings}
    return said | {"release": one.release} | ({"replayed": True} if one.replayed else {})


def _lines(target: str, answers: Sequence[Answer]) -> list[str]:
    """The answers as a table; one alone in a sentence."""
    if len(answers) == 1:
        (one,) = answers
        outputs = "".join(f"   {name} {value:.4g}" for name, value in one.outputs.items() if name != "prediction")
        decision = "" if one.decision == one.prediction else f"   decision {_word(one.decision)}"
        lines = [f"{target} = {_word(one.prediction)}{outputs}{decision}"]
        lines += [click.style(f"  warning: {warning}", fg="yellow") for warning in one.warnings]
        return [*lines, f"  by {one.release}, id {one.id}{', as it was answered before' if one.replayed else ''}"]
    names = [name for name in answers[0].outputs if name != "prediction"]
    table = [["id", target, *names, "decision", "by", "warnings"]]
    for one in answers:
        numbers = [f"{one.outputs[name]:.4g}" for name in names]
        table.append([one.id, _word(one.prediction), *numbers, _word(one.decision), one.release, "; ".join(one.warnings)])
    wide = [max(len(line[place]) for line in table) for place in range(len(table[0]))]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(line, wide, strict=True)).rstrip() for line in table]


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:.6g}" if isinstance(value, float) else str(value)
