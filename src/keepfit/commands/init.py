"""`keepfit init`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from keepfit import errors
from keepfit.commands.shared import Given, emit, options, working
from keepfit.loop.begin import Table, begin, decide, find_table, look, refuse_another, suggest
from keepfit.proposal import Answers, Proposal

__all__ = ["command"]


@dataclass(frozen=True, slots=True)
class _Question:
    """One question: the answer that it fills, when it is asked, its words, what is suggested, how its answer is read."""

    fills: str
    when: Callable[[Proposal], bool]
    words: str
    suggested: Callable[[Proposal], str]
    why: Callable[[Proposal], str]
    read: Callable[[str], Any] = str


def _columns(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        fix = "two numbers, as in 12,-3: what a right decision is worth, and a wrong one"
        raise errors.BadArgument(f"'{text}' is not two numbers", at="--value", fix=fix) from None


_QUESTIONS = (
    _Question("target", lambda p: True, "What should be predicted?", lambda p: p.target, lambda p: p.reasons.get("problem.target", "")),
    _Question(
        "positive",
        lambda p: p.positive is not None,
        "Which value is the one to find?",
        lambda p: str(p.positive).lower() if isinstance(p.positive, bool) else str(p.positive),
        lambda p: p.reasons.get("problem.positive", ""),
    ),
    _Question(
        "time",
        lambda p: p.time is not None,
        "Which column says when?",
        lambda p: p.time or "",
        lambda p: p.reasons.get("problem.time", "") + "; - for none",
        lambda text: "" if text == "-" else text,
    ),
    _Question(
        "label_delay",
        lambda p: p.time is not None,
        "How long until the truth is known?",
        lambda p: str(p.label_delay),
        lambda p: p.reasons.get("problem.label_delay", ""),
    ),
    _Question(
        "key",
        lambda p: True,
        "Which columns together name one row?",
        lambda p: ", ".join(p.key) or "-",
        lambda p: p.reasons.get("problem.key", "- for none"),
        lambda text: () if text == "-" else _columns(text),
    ),
    _Question(
        "value",
        lambda p: p.positive is not None,
        "What is a right alarm worth, and a false one?",
        lambda p: "",
        lambda p: "as in 12, -3; Enter to skip",
        _numbers,
    ),
)


@click.command("init", epilog="Example: keepfit init flights.parquet --target late --time departure --label-delay 1d")
@click.argument("table", required=False)
@click.option("--target", metavar="COLUMN", help="What should be predicted.")
@click.option("--positive", metavar="VALUE", help="The target's value to find.")
@click.option("--task", metavar="KIND", help="binary, multiclass or regression, instead of what the target looks like.")
@click.option("--time", metavar="COLUMN", help="The column that says when a decision is due; '' for none.")
@click.option("--label-delay", metavar="DURATION", help="How long after that the truth is known: 1d, 12h.")
@click.option("--key", metavar="COLUMNS", help="The columns that together name one row, with commas between them; '' for none.")
@click.option("--value", metavar="RIGHT,WRONG", help="What a right and a wrong decision are worth: 12,-3.")
@click.option("--name", metavar="NAME", help="The project's name.")
@click.option("-y", "--yes", is_flag=True, help="Ask nothing: take what is suggested.")
@click.option("--force", is_flag=True, help="Replace a keepfit.toml; the old one stays beside it.")
@options
def command(given: Given, table: str | None, key: str | None, value: str | None, yes: bool, force: bool, **said: str | None) -> None:
    """Look at TABLE and write a keepfit.toml that runs: at most six questions, or none with options and --yes."""
    if given.env or given.settings:
        raise errors.BadArgument(
            "init writes the project file, so it takes no --env and no --set", at="init", fix="edit the file afterwards"
        )
    folder = given.folder.resolve()
    refuse_another(folder, replace=force)
    answers = Answers(
        **said,
        key=None if key is None else _columns(key),
        value=None if value is None else _numbers(value),
    )
    with working(given) as progress:
        progress("looking at the table")
        found = look(table or str(find_table(folder)), folder)
    asked = sys.stdin.isatty() and not yes and not given.as_json
    if asked:
        proposal = suggest(found, answers)
        click.echo(_read(found, proposal) + "\n")
        answers = _ask(found, answers, proposal)
    elif answers.target is None and not yes:
        fix = f"name it with --target (it looks like '{suggest(found, answers).target}'), or take what is suggested with --yes"
        raise errors.Undecided("nobody said what should be predicted, and nobody can be asked", at="--target", fix=fix)
    proposal = decide(found, answers)
    if proposal.others and not asked:
        several = f"nothing says which column should be predicted: {proposal.target}, {', '.join(proposal.others)} or another"
        raise errors.Undecided(several, at="--target", fix="name it with --target")
    path, lines = begin(folder, found, proposal, replace=force)
    emit(given, proposal, lambda: _told(found, proposal, path, lines))


def _ask(table: Table, answers: Answers, proposal: Proposal) -> Answers:
    """Ask what no option said; an answer that does not fit is asked for again."""
    for question in _QUESTIONS:
        if getattr(answers, question.fills) is not None or not question.when(proposal):
            continue
        why, suggested = question.why(proposal), question.suggested(proposal)
        words = question.words + (click.style(f"  ({why})", dim=True) if why else "")
        while True:
            text = click.prompt(words, default=suggested, show_default=bool(suggested)).strip()
            if text == suggested:
                break
            try:
                tried = replace(answers, **{question.fills: question.read(text)})
                proposal = suggest(table, tried)
            except errors.KeepfitError as error:
                click.echo(click.style(f"  {error.message}", fg="red") + (f": {error.fix}" if error.fix else ""))
                continue
            answers = tried
            break
    click.echo()
    return answers


def _read(table: Table, proposal: Proposal) -> str:
    span = f", {proposal.least:%Y-%m-%d} to {proposal.most:%Y-%m-%d}" if proposal.least and proposal.most else ""
    return f"Read {table.source}: {table.seen.rows:,} rows, {len(table.seen.columns):,} columns{span}."


def _told(table: Table, proposal: Proposal, path: Path, lines: int) -> str:
    """What was written, for people."""
    out = [_read(table, proposal), ""]
    out.append(f"  predict   {proposal.target} ({proposal.task}{_found(proposal)})")
    if proposal.time:
        out.append(f"  when      {proposal.time}; the truth is known {proposal.label_delay} after{_because(proposal, 'label_delay')}")
    out.append(f"  one row   {', '.join(proposal.key) or 'no key'}")
    if proposal.value:
        out.append("  worth     " + ", ".join(f"{name.replace('_', ' ')} {worth:g}" for name, worth in proposal.value.items()))
    for setting, words in _USES.items():
        names = [name for name, said in proposal.settings.items() if setting in said]
        if names:
            shown = ", ".join(f"{name} ({proposal.reasons['columns.' + name]})" for name in names[:6])
            out.append(f"  {words} {shown}{_more(names)}")
    out += [f"  note      {note}" for note in proposal.notes]
    out += ["", f"Wrote {path.name} ({lines} lines). Next: keepfit run"]
    return "\n".join(out)


_USES = {
    "known": "later    ",
    "protected": "protected",
    "personal": "personal ",
    "subject": "whose row",
    "kind": "names    ",
    "ignore": "left out ",
}


def _more(names: list[str]) -> str:
    return f" and {len(names) - 6} more" if len(names) > 6 else ""


def _found(proposal: Proposal) -> str:
    if proposal.positive is None:
        return ""
    spelled = str(proposal.positive).lower() if isinstance(proposal.positive, bool) else str(proposal.positive)
    return f": {spelled}" + _because(proposal, "positive")


def _because(proposal: Proposal, key: str) -> str:
    reason = proposal.reasons.get(f"problem.{key}")
    return f", {reason}" if reason else ""
