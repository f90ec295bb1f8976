"""Decide: a person's approval, veto or freeze, with a reason, on record; the next turn goes by it."""

from __future__ import annotations

from datetime import datetime

from keepfit import errors
from keepfit.decision import REFIT, Decision, Says, decisions
from keepfit.ledger import Entry
from keepfit.loop.release import known_release
from keepfit.workspace import Workspace

__all__ = ["approve", "freeze", "veto"]


def approve(ws: Workspace, about: str | None, *, because: str, now: datetime) -> Entry:
    """Approve that a release goes on, or with `refit` that refitting does after it was given up or its data refused.

    Parameters
    ----------
    about : a release that waits in the shadow or answers a share, or "refit"; by default the one thing that waits

    Raises
    ------
    NothingThere
        Nothing waits, or the release is none that could go on.
    BadArgument
        Several things wait.
    """
    if about is None:
        waiting = [one.about for one in decisions(ws.ledger.entries(kind="decision")).waiting if one.about in _candidates(ws)]
        if len(waiting) > 1:
            raise errors.BadArgument(f"{len(waiting)} things wait: {', '.join(waiting)}", at="approve", fix="name one of them")
        if not waiting:
            raise errors.NothingThere("nothing waits for an approval", at=ws.project, fix="see: keepfit status")
        about = waiting[0]
    elif about != REFIT:
        _check(ws, about)
    return _decide(ws, "approve", about, because, now)


def veto(ws: Workspace, release: str, *, because: str, now: datetime) -> Entry:
    """Keep a challenger from going on; one that answers a share already is taken out of its stage.

    Raises
    ------
    NothingThere
        The release is none that could go on.
    """
    _check(ws, release)
    return _decide(ws, "veto", release, because, now)


def freeze(ws: Workspace, *, end: bool = False, because: str, now: datetime) -> Entry:
    """Keep the loop from changing anything, or let it go on; windows are looked at all the while.

    Raises
    ------
    BadArgument
        It is frozen already, or is not.
    """
    frozen = decisions(ws.ledger.entries(kind="decision")).frozen
    if end == (frozen is None):
        said = f"the project is frozen already, by {frozen.by}" if frozen else "the project is not frozen"
        raise errors.BadArgument(said, at=ws.project, fix="see: keepfit status")
    return _decide(ws, "unfreeze" if end else "freeze", "", because, now)


def _candidates(ws: Workspace) -> set[str]:
    held = ws.roles()
    return {name for name in (held.shadow, held.canary, REFIT) if name}


def _check(ws: Workspace, release: str) -> None:
    known_release(ws, release)
    if release not in _candidates(ws):
        fix = "see: keepfit status; a person makes any release the champion with: keepfit promote"
        raise errors.NothingThere(f"release {release} is no challenger now", at=release, fix=fix)


def _decide(ws: Workspace, says: Says, about: str, because: str, now: datetime) -> Entry:
    if not because.strip():
        raise errors.BadArgument("a decision needs its reason", at="--because", fix='as in --because "reviewed by the desk"')
    known = decisions(ws.ledger.entries(kind="decision"))
    body = Decision(says, about, ws.actor, now, because).noted
    return ws.resting_on({"decision": known.seq}).append("decision", [says, about, known.seq], body, at=now)
