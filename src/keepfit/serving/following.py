"""Following: what the ledger says a server is to do, looked up again and again, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

from keepfit import errors
from keepfit.loop.access import known_keys
from keepfit.loop.release import restore
from keepfit.serving.duty import Duty
from keepfit.serving.events import Events
from keepfit.workspace import Workspace

__all__ = ["FOLLOW", "Following", "duty_of"]

#: How often the ledger is looked at, in seconds: a change reaches every worker in less than two.
FOLLOW = 0.5


def duty_of(ws: Workspace) -> Duty:
    """What the ledger says now; the folders of the releases are there afterwards."""
    roles = ws.roles()
    for name in (roles.champion, roles.canary, roles.shadow):
        if name is not None:
            restore(ws, name)
    known = known_keys(ws)
    in_force = tuple((key.hash, key.scopes) for key in known if key.revoked_at is None)
    return Duty(roles.champion, roles.canary, roles.share, roles.shadow, in_force, guarded=bool(known))


class Following:
    """Tells of every new duty; a ledger that cannot be read leaves things as they are.

    Parameters
    ----------
    ws : how the project is opened; the thread opens it for itself
    duty : what is known already
    tell : called in the thread with a new duty
    reached : called in the thread when the ledger cannot be read any more, with False, and when it can again, with True
    """

    def __init__(self, ws: Workspace, duty: Duty, *, tell: Callable[[Duty], None], reached: Callable[[bool], None], events: Events) -> None:
        self._ws, self._duty, self._tell, self._reached, self._events = ws, duty, tell, reached, events
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="following", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=2.0)

    def _run(self) -> None:
        ws = Workspace(self._ws.folder, env=self._ws.env, options=self._ws.options)
        seq, reachable = -1, True
        while True:
            try:
                head = ws.ledger.head().seq
                if head != seq:
                    duty = duty_of(ws)
                    if duty != self._duty:
                        self._duty = duty
                        self._tell(duty)
                    seq = head
                if not reachable:
                    reachable = True
                    self._reached(True)
                    self._events.say("the ledger can be read again")
            except errors.KeepfitError as error:
                if reachable:
                    reachable = False
                    self._reached(False)
                    self._events.say("the ledger cannot be read", "error", code=error.code, error=error.message)
            if self._stop.wait(FOLLOW):
                ws.close()
                return
