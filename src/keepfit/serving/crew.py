"""Who is on duty: loads the releases that have a role, each proved before it takes traffic, and exchanges who answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from keepfit import errors
from keepfit.column import Kinds
from keepfit.serving.answering import Answering
from keepfit.serving.app import App
from keepfit.serving.duty import Duty
from keepfit.serving.served import Served

__all__ = ["Crew"]


class Crew:
    """Brings an application's answering in line with its duty.

    Parameters
    ----------
    changed : told when who answers has changed
    """

    def __init__(self, app: App, kinds: Kinds, *, changed: Callable[[Answering | None], None] = lambda answering: None) -> None:
        self._app, self._kinds, self._changed = app, kinds, changed
        self._code = Path(app.orders.code) if app.orders.code is not None else None
        self._loaded: dict[str, Served] = {}
        self._refused = app.counters.place("keepfit_releases_refused")

    def load(self, name: str) -> Served:
        """A release, loaded and proved on its own sample.

        Raises
        ------
        KeepfitError
            It is damaged, of a newer format, or does not answer as it must.
        """
        if name not in self._loaded:
            self._loaded[name] = Served(Path(self._app.orders.releases) / name, self._kinds, code=self._code)
        return self._loaded[name]

    def begin(self, duty: Duty) -> None:
        """Load what a server starts with.

        Raises
        ------
        NoChampion, KeepfitError
            There is no champion, or it cannot be loaded.
        """
        if duty.champion is None:
            raise errors.NoChampion("no release is champion yet", at=self._app.orders.project, fix="keepfit run")
        self.load(duty.champion)
        self._exchange(duty, self._ready(duty))

    async def take(self, duty: Duty) -> None:
        """Do as a new duty says; what cannot be loaded does not take its role, and the champion that is there goes on."""
        self._app.duty = duty  # keys hold at once, loading may take a while
        ready = await asyncio.to_thread(self._ready, duty)
        self._exchange(duty, ready)

    def _ready(self, duty: Duty) -> dict[str, Served | errors.KeepfitError]:
        found: dict[str, Served | errors.KeepfitError] = {}
        for name in (duty.champion, duty.canary, duty.shadow):
            if name is not None:
                try:
                    found[name] = self.load(name)
                except errors.KeepfitError as error:
                    found[name] = error
        return found

    def _exchange(self, duty: Duty, ready: dict[str, Served | errors.KeepfitError]) -> None:
        app = self._app
        refused = {name: error for name, error in ready.items() if isinstance(error, errors.KeepfitError)}
        for name, error in refused.items():
            if f"release {name}" not in app.alarms:
                app.events.say("a release was refused", "error", release=name, code=error.code, error=error.message, at=error.at)
        app.alarms = {about: text for about, text in app.alarms.items() if not about.startswith("release ")}
        app.alarms |= {f"release {name}": error.message for name, error in refused.items()}
        app.counters.put(self._refused, len(refused))

        def holder(name: str | None) -> Served | None:
            one = ready.get(name) if name is not None else None
            return one if isinstance(one, Served) else None

        now = app.answering
        champion = holder(duty.champion) or (now.champion if now is not None and duty.champion is not None else None)
        app.duty = duty
        app.answering = (
            Answering(champion, canary=holder(duty.canary), share=duty.share, shadow=holder(duty.shadow)) if champion is not None else None
        )
        held = [champion, holder(duty.canary), holder(duty.shadow)]
        self._loaded = {name: one for name, one in self._loaded.items() if any(one is other for other in held)}
        self._changed(app.answering)
