"""Weigh: what policies answered over the same past, side by side on the rows whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING, TypeAlias

from keepfit.candidate import Candidate
from keepfit.evaluation import Evaluation, evaluate
from keepfit.instant import micros
from keepfit.loop.baselines import Past, baselines
from keepfit.loop.measure import past
from keepfit.loop.policies import Rules
from keepfit.loop.recorded import Asked, Recorded, windows
from keepfit.loop.rehearse import Answers
from keepfit.loop.rows import value_of
from keepfit.measures import interval
from keepfit.metric import Clusters, Gain, Measured
from keepfit.replay import FRESHEST, NEVER, Figure, Rehearsal, Replay, Stretch, days_to_recover, false_alarms, recommended, spells
from keepfit.schema import Schema
from keepfit.task import Scored
from keepfit.window import Interval
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Opened", "Played", "weigh"]

#: A window with fewer rows has no quality of its own.
FEWEST_ROWS = 30
#: Incidents: kind, since when, and until when; None while open.
Opened: TypeAlias = Sequence[tuple[str, datetime, datetime | None]]


@dataclass(frozen=True, slots=True)
class Played:
    """What every policy of a replay was given: the past, the rows after the first model, that model, and from when to when."""

    ws: Workspace
    rows: Recorded
    asked: Asked
    known: Schema
    first: Candidate
    begin: datetime
    end: datetime


def weigh(
    played: Played, rules: Sequence[Rules], answers: Mapping[str, Answers], opened: Mapping[str, Opened], *, notes: tuple[str, ...] = ()
) -> Replay:
    """What each policy came to, and which is recommended.

    Parameters
    ----------
    answers, opened : what each policy answered and which incidents it opened, by its name; `never` and the yardstick among them
    """
    return _Weighed(played, tuple(rules), answers, opened).replay(notes)


@dataclass
class _Weighed:
    played: Played
    rules: tuple[Rules, ...]
    answers: Mapping[str, Answers]
    opened: Mapping[str, Opened]

    def __post_init__(self) -> None:
        import numpy as np  # the command line starts without it

        delay = self.played.ws.spec.problem.label_delay.microseconds
        told = ~np.isnan(self.played.asked.truth) & (self.played.asked.times + delay <= micros(self.played.end))
        self.mask = np.logical_and.reduce([told, *(one.answered for one in self.answers.values())])
        self.truth, self.times = self.played.asked.truth[self.mask], self.played.asked.times[self.mask]
        days = np.asarray(self.times // 86_400_000_000)
        names, of_row = np.unique(days, return_inverse=True)
        self.days = Clusters("day", of_row.astype(np.int64), names.size)

    def replay(self, notes: tuple[str, ...]) -> Replay:
        ws = self.played.ws
        whole = {name: self._evaluated(one) for name, one in self.answers.items()}
        windows = self._windows()
        strips = {name: self._strip(name, windows) for name in self.answers}
        changed = spells(strips[NEVER])
        selects = ws.task.selects
        real = [rules.name for rules in self.rules if not rules.at_once]
        better = ws.task.metrics[selects].better
        best = (max if better == "higher" else min)(real, key=lambda name: whole[name][selects].value)
        found = tuple(self._rehearsal(rules, whole, best, strips[rules.name], changed) for rules in self.rules)
        name, because = recommended(found, selects)
        return Replay(
            project=ws.project,
            begin=self.played.begin,
            end=self.played.end,
            windows=len(windows),
            rows=int(self.mask.sum()),
            label_delay=str(ws.spec.problem.label_delay),
            window=str(ws.spec.monitor.window),
            metric=selects,
            better=better,
            policies=found,
            recommended=name,
            because=because,
            changes=tuple(changed),
            baselines=self._baselines(),
            notes=(*notes, *self._failed()),
        )

    def _failed(self) -> list[str]:
        """What went wrong under each policy, in words."""
        found = {name: one.failed for name, one in self.answers.items() if one.failed}
        return [f"under {name} {len(codes)} actions failed ({', '.join(sorted(set(codes)))})" for name, codes in found.items()]

    def _windows(self) -> list[Interval]:
        played = self.played
        found = windows(played.ws, played.rows, played.begin, played.end)
        return [one for one in found if self._place(one)[1] > self._place(one)[0]]

    def _place(self, window: Interval) -> tuple[int, int]:
        first, last = self.times.searchsorted([micros(window.begin), micros(window.end)])
        return int(first), int(last)

    def _scored(self, answers: Answers) -> Scored:
        outputs = {name: values[self.mask] for name, values in answers.outputs.items()}
        return Scored(self.truth, outputs, answers.decisions[self.mask], value_of(self.played.ws))

    def _evaluated(self, answers: Answers) -> Evaluation:
        return evaluate("", self.played.ws.task, self._scored(answers), self.days, rows="the replay", threshold=self.played.first.threshold)

    def _strip(self, name: str, windows: Sequence[Interval]) -> tuple[Stretch, ...]:
        """A policy's quality window by window, beside the yardstick's."""
        import numpy as np  # the command line starts without it

        scored, fresh = self._scored(self.answers[name]), self._scored(self.answers[FRESHEST])
        task, found = self.played.ws.task, []
        losses = task.losses(self.truth, scored.outputs) - task.losses(self.truth, fresh.outputs)
        for window in windows:
            first, last = self._place(window)
            quality, behind = None, None
            if last - first >= FEWEST_ROWS:
                mask = np.zeros(self.truth.size, dtype=np.bool_)
                mask[first:last] = True
                days = self._within(mask)
                quality, behind = self._measured(scored.where(mask), days), self._behind(losses[first:last], days)
            promoted = tuple(who for at, who in self.answers[name].promotions if window.begin <= at < window.end)
            found.append(Stretch(window.begin, window.end, last - first, quality, behind, promoted))
        return tuple(found)

    def _within(self, mask: NDArray[np.bool_]) -> Clusters:
        import numpy as np  # the command line starts without it

        names, of_row = np.unique(self.days.of_row[mask], return_inverse=True)
        return Clusters("day", of_row.astype(np.int64), names.size)

    def _measured(self, scored: Scored, days: Clusters) -> Figure | None:
        """The selecting metric; None where the rows do not allow it."""
        try:
            found = self.played.ws.task.metrics[self.played.ws.task.selects].measure(scored)
        except ValueError:
            return None
        half = interval.clustered(found.influence, days.of_row, days.count)
        return Figure(found.value, found.value - half, found.value + half) if math.isfinite(half) else Figure(found.value, None, None)

    def _behind(self, losses: NDArray[np.float64], days: Clusters) -> Gain | None:
        """How much the answers lost against the yardstick's, in the task's own loss, whole days together."""
        value = float(losses.mean())
        half = interval.clustered(losses - value, days.of_row, days.count)
        return Gain(value, value - half, value + half, "loss") if math.isfinite(half) else None

    def _rehearsal(
        self,
        rules: Rules,
        whole: Mapping[str, Evaluation],
        best: str,
        strip: tuple[Stretch, ...],
        changed: Sequence[tuple[datetime, datetime]],
    ) -> Rehearsal:
        answers, mine, selects = self.answers[rules.name], whole[rules.name], self.played.ws.task.selects
        days, unrecovered = days_to_recover(strip, changed)
        quality = _figure(mine[selects])
        assert quality is not None
        return Rehearsal(
            name=rules.name,
            settings=rules.settings,
            rows=mine.count,
            quality=quality,
            gain=None if rules.name == NEVER else mine.known_gain_over(whole[NEVER], selects),
            short=None if rules.name == best else whole[best].known_gain_over(mine, selects),
            promotions=len(answers.promotions),
            fits=answers.fits,
            seconds=round(answers.seconds, 3),
            labels=self._labels(rules, answers),
            troubles=false_alarms(strip, self.opened[rules.name]),
            recovery=median(days) if days else None,
            unrecovered=unrecovered,
            value=_figure(mine.metrics.get("value")),
            windows=strip,
            is_yardstick=rules.at_once,
        )

    def _labels(self, rules: Rules, answers: Answers) -> int:
        """The labels that a policy asked for: all where quality may trigger it, else those up to its last refit or race."""
        on = rules.settings.get("refit.on", self.played.ws.spec.refit.triggers)
        if "quality" in on:
            return int(self.mask.sum())
        if answers.learned is None:
            return 0
        delay = self.played.ws.spec.problem.label_delay.microseconds
        return int((self.times + delay <= micros(answers.learned)).sum())

    def _baselines(self) -> dict[str, Figure]:
        """Answers that need no model, on the same rows."""
        ws, known, classes = self.played.ws, self.played.known, self.played.first.classes
        frame = self.played.rows.before(self.played.begin)
        before = past(frame, ws.task.truth(frame[known.target], classes), known)
        frame = self.played.rows.frame.slice(frame.height).filter(self.mask)
        now = past(frame, self.truth, known)
        found = {}
        for name, outputs in baselines(ws.task, classes, _told(before), _told(before.and_(now)), now, ws.spec.problem.label_delay).items():
            scored = Scored(self.truth, outputs, ws.task.decide(outputs, ws.task.threshold(value_of(ws))), None)
            if (figure := self._measured(scored, self.days)) is not None:
                found[name] = figure
        return found


def _told(known: Past) -> Past:
    import numpy as np  # the command line starts without it

    there = ~np.isnan(known.truth)
    return Past(
        known.times[there] if known.times is not None else None, known.truth[there], known.key[there] if known.key is not None else None
    )


def _figure(measured: Measured | None) -> Figure | None:
    return Figure(measured.value, measured.low, measured.high) if measured is not None else None
