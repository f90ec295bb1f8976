"""The text of a project file that says what was proposed, and why."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from keepfit import hints
from keepfit.proposal import Proposal
from keepfit.spec import toml

__all__ = ["text_of"]

#: Where comments begin, and how long a line of prose is.
_COLUMN, _WIDTH = 48, 110


def text_of(proposal: Proposal, *, timezone: bool) -> str:
    """A commented project file; `timezone` where the table holds times."""
    lines = [
        "# The problem, stated once: everything that keepfit does with this project follows from this file.",
        f"# Proposed from {_plain(proposal.source)}: {proposal.rows:,} rows, {proposal.columns} columns. Change what is not so.",
        *_problem(proposal),
        *_data(proposal, timezone),
        *_columns(proposal),
        *_rest(proposal),
    ]
    return "\n".join(lines) + "\n"


def _problem(proposal: Proposal) -> Iterator[str]:
    why = {key.removeprefix("problem."): reason for key, reason in proposal.reasons.items()}
    at = f", from what is known at {proposal.time}" if proposal.time else ""
    yield "\n[problem]"
    yield f"name = {toml.value(proposal.name)}"
    yield _line(f"statement = {toml.value(f'Predict {proposal.target}{at}.')}", "for people, in your own words")
    yield f"task = {toml.value(proposal.task)}"
    yield _line(f"target = {toml.value(proposal.target)}", why.get("target"))
    if proposal.positive is not None:
        yield _line(f"positive = {toml.value(proposal.positive)}", "the value to find" + _after(why.get("positive")))
    if proposal.time:
        yield _line(f"time = {toml.value(proposal.time)}", "when the decision is due: splits, windows and label delays follow it")
    if proposal.key:
        yield _line(f"key = {toml.value(proposal.key)}", "one row, one decision" + _after(why.get("key")))
    if proposal.time:
        yield _line(
            f"label_delay = {toml.value(str(proposal.label_delay))}", "the truth is known so long after" + _after(why.get("label_delay"))
        )
    if proposal.value:
        yield _line(f"value = {toml.value(proposal.value)}", "what one decision is worth; what is absent is 0")
    elif example := hints.worth_example(proposal.task):
        yield _line(f"# value = {toml.value(example)}", "what one decision is worth")


def _data(proposal: Proposal, timezone: bool) -> Iterator[str]:
    yield "\n[data]"
    yield f"source = {toml.value(proposal.source)}"
    if timezone:
        yield _line('timezone = "UTC"', "of times without an offset")


def _columns(proposal: Proposal) -> Iterator[str]:
    yield "\n" + _line("[columns]", "only what cannot be inferred: every other column is a feature")
    for note in proposal.notes:
        yield from textwrap.wrap(_plain(note), _WIDTH, initial_indent="# Note: ", subsequent_indent="#   ")
    for name, setting in proposal.settings.items():
        yield _line(f"{toml.key(name)} = {toml.value(setting)}", proposal.reasons.get(f"columns.{name}"))


def _rest(proposal: Proposal) -> Iterator[str]:
    yield "\n[model]"
    yield _line(
        'estimators = ["linear", "lightgbm"]',
        "they compete on rows newer than those they learned from" if proposal.time else "they compete",
    )
    yield _line("trials = 20", "recipes tried in all; more take longer and find better ones")
    yield "\n" + _line("[gates]", "a model serves only when every rule that applies is passed")
    for name, gate in proposal.gates.items():
        yield f"{toml.key(name)} = {toml.value(gate)}"
    for name, gate in hints.gate_examples(proposal.task).items():
        yield _line(f"# {toml.key(name)} = {toml.value(gate)}", "state the limit that the decision needs")
    if proposal.time:
        yield '\n[monitor]\nwindow = "7d"'
        yield "\n[refit]"
        yield _line('challenger = "window"', "after every window a challenger learns from all that is known")
        yield _line('promote = "auto"', 'it takes over when it wins; or "approval": a person promotes it')


def _line(setting: str, comment: str | None) -> str:
    return f"{setting:<{_COLUMN}} # {_plain(comment)}" if comment else setting


def _after(reason: str | None) -> str:
    return f" ({reason})" if reason else ""


def _plain(text: str) -> str:
    """Text for a comment, which a column's name must not end."""
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", text)
