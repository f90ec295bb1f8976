"""What is due: the policy of the loop, as a pure function of what the ledger says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal, TypeAlias

from keepfit.instant import Duration
from keepfit.window import Interval

__all__ = ["Action", "Policy", "State", "next_action"]

Kind: TypeAlias = Literal["nothing", "watch", "refit", "compare", "promote", "ask"]


@dataclass(frozen=True, slots=True)
class Policy:
    """What the project file says about refitting."""

    challenger: Literal["window", "off"]
    cooldown: Duration
    minimum_labels: int
    promote: Literal["auto", "approval"]


@dataclass(frozen=True, slots=True)
class State:
    """What the ledger says now.

    `due` are the windows whose labels are due and that nobody has looked at, oldest first; `watched` is the
    newest that was, with `labels` known rows. `challenger` waits in the shadow. `compared` is the newest window
    in which it raced; `won` whether it won there and passed the gates. `fitted_for` is the newest window after
    which a challenger was fitted, or could not be.
    """

    now: datetime
    champion: str | None
    champion_since: datetime | None
    promoted_at: datetime | None
    due: tuple[Interval, ...]
    watched: Interval | None
    labels: int
    challenger: str | None
    compared: Interval | None
    won: bool
    fitted_for: Interval | None


@dataclass(frozen=True, slots=True)
class Action:
    """The one thing that is due, and why."""

    record: ClassVar[str] = "action"
    version: ClassVar[int] = 1

    kind: Kind
    because: str
    window: Interval | None = None
    release: str | None = None


def next_action(state: State, policy: Policy) -> Action:
    """The one thing that is due.

    The race: after every window a challenger is fitted on all that is known and waits in the shadow; in the
    next window whose labels are due, both models are scored on the rows that are new to both. A winner that
    passes the gates is promoted; any other is replaced by the next.
    """
    if state.champion is None:
        return Action("nothing", "there is no champion yet: keepfit run")
    if state.due:
        return Action("watch", "the labels of a window are due", window=state.due[0])
    if state.watched is None or policy.challenger == "off":
        return Action("nothing", "no window's labels are due")
    raced = state.compared is not None and state.compared.begin >= state.watched.begin
    fitted = state.fitted_for is not None and state.fitted_for.begin >= state.watched.begin
    enough = state.labels >= policy.minimum_labels
    if state.challenger and not fitted and enough and not raced:
        return Action("compare", "a challenger waits and the window holds rows that are new to it", state.watched, state.challenger)
    if state.challenger and raced and state.won:
        return _promotion(state, policy)
    if not fitted and enough:
        return Action("refit", "a window's labels are known", window=state.watched)
    return Action("nothing", "everything that was due is done" if enough else "the window has too few labels to learn from")


def _promotion(state: State, policy: Policy) -> Action:
    if state.promoted_at is not None and state.now < state.promoted_at + policy.cooldown.delta:
        return Action("nothing", "a challenger won, and the last promotion is too recent", state.watched, state.challenger)
    if policy.promote == "approval":
        return Action("ask", "a challenger won and waits for a person: keepfit promote", state.watched, state.challenger)
    return Action("promote", "the challenger beat the champion on the same rows and passed the gates", state.watched, state.challenger)
