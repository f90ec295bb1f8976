"""A replay: what policies would have done over history, and which of them is recommended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from keepfit.metric import Gain

__all__ = [
    "FRESHEST",
    "NEVER",
    "Figure",
    "Rehearsal",
    "Replay",
    "Stretch",
    "Trouble",
    "days_to_recover",
    "false_alarms",
    "recommended",
    "spells",
]

#: The policy that every other is measured from, and the yardstick: every window a refit takes over, whatever it is worth.
NEVER, FRESHEST = "never", "every window, unjudged"
#: A policy may miss this share of what the best one gains over never refitting, and still be recommended for what it costs.
MAY_MISS = 0.1


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric with its 95 % interval, whole days resampled; the bounds are None where nothing is known of the variation."""

    value: float
    low: float | None
    high: float | None

    def __str__(self) -> str:
        within = f" [{self.low:.3f}, {self.high:.3f}]" if self.low is not None and self.high is not None else ""
        return f"{self.value:.3f}{within}"


@dataclass(frozen=True, slots=True)
class Stretch:
    """One window under a policy: the quality of what was answered in it, and which releases took over while it lasted.

    `behind` is how far the answers lay behind those of the yardstick on the same rows; above 0 is worse. What could not be
    measured is None.
    """

    begin: datetime
    end: datetime
    rows: int
    quality: Figure | None
    behind: Gain | None = None
    promoted: tuple[str, ...] = ()

    @property
    def late(self) -> bool:
        """Whether a refit would clearly have helped."""
        return self.behind is not None and self.behind.low > 0


@dataclass(frozen=True, slots=True)
class Trouble:
    """An incident that a policy opened: what kind, from when until when, and whether it was a false alarm."""

    kind: str
    begin: datetime
    end: datetime | None
    false: bool


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One policy over the whole of a replay.

    `settings` is what it says in place of the project file. `gain` is that over never refitting and `short` what the best
    policy gains over this one, on the same rows, in the metric by which candidates compete; the interval is for 95 %, whole
    days resampled. `fits` counts the models fitted after the first, `seconds` their processor time, `labels` the labels that the policy
    asked for. `recovery` is the median number of days from a change until the answers were as good as a fresh model's, None
    where nothing changed; `unrecovered` counts changes that were not made up for. `value` is what 1,000 decisions were worth.
    """

    name: str
    settings: Mapping[str, Any]
    rows: int
    quality: Figure
    gain: Gain | None
    short: Gain | None
    promotions: int
    fits: int
    seconds: float
    labels: int
    troubles: tuple[Trouble, ...]
    recovery: float | None
    unrecovered: int
    value: Figure | None
    windows: tuple[Stretch, ...]
    is_yardstick: bool = False

    @property
    def false_alarms(self) -> int:
        """Incidents while no refit would have helped."""
        return sum(trouble.false for trouble in self.troubles)


@dataclass(frozen=True, slots=True)
class Replay:
    """Policies side by side over the same history, each through the loop's own steps, none with knowledge of what was to come.

    `begin` is when the first model was fitted and `end` the last instant that was played; `windows` and `rows` are those after it whose
    truth is known. `baselines` are answers that need no model, in the same metric. `notes` says what was not as it would be live.
    """

    record: ClassVar[str] = "replay"
    version: ClassVar[int] = 1

    project: str
    begin: datetime
    end: datetime
    windows: int
    rows: int
    label_delay: str
    window: str
    metric: str
    better: str
    policies: tuple[Rehearsal, ...]
    recommended: str
    because: str
    changes: tuple[tuple[datetime, datetime], ...] = ()
    baselines: Mapping[str, Figure] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Rehearsal:
        return next(one for one in self.policies if one.name == name)


def spells(frozen: Sequence[Stretch]) -> list[tuple[datetime, datetime]]:
    """When the world had changed for the first model: runs of windows in which a fresh one would clearly have done better.

    Runs with a single window between them are one.
    """
    found: list[tuple[int, int]] = []
    for place, stretch in enumerate(frozen):
        if stretch.late:
            if found and place - found[-1][1] <= 2:
                found[-1] = (found[-1][0], place)
            else:
                found.append((place, place))
    return [(frozen[first].begin, frozen[last].end) for first, last in found]


def days_to_recover(windows: Sequence[Stretch], changed: Sequence[tuple[datetime, datetime]]) -> tuple[list[float], int]:
    """For each change the days from its beginning until a policy's answers were as good as a fresh model's; and how many never were.

    The first window that is not clearly behind ends the wait, and counts to its beginning.
    """
    days: list[float] = []
    never = 0
    for begin, end in changed:
        spell = [stretch for stretch in windows if begin <= stretch.begin < end]
        well = next((stretch for stretch in spell if not stretch.late), None)
        if well is None and spell:
            later = next((stretch for stretch in windows if stretch.begin >= end and not stretch.late), None)
            never += later is None
            days += [] if later is None else [(later.begin - begin) / timedelta(days=1)]
        elif well is not None:
            days.append((well.begin - begin) / timedelta(days=1))
    return days, never


def false_alarms(windows: Sequence[Stretch], opened: Sequence[tuple[str, datetime, datetime | None]]) -> tuple[Trouble, ...]:
    """Incidents, each a false alarm where in no window of its time a fresh model would clearly have done better.

    Parameters
    ----------
    opened : kind, since when, and until when, None where it is still open
    """
    found = []
    for kind, begin, end in opened:
        within = [stretch for stretch in windows if stretch.end > begin and (end is None or stretch.begin < end)]
        found.append(Trouble(kind, begin, end, not any(stretch.late for stretch in within)))
    return tuple(found)


def recommended(policies: Sequence[Rehearsal], metric: str) -> tuple[str, str]:
    """The policy to take, and why: the cheapest that is not clearly behind the best by more than it may miss.

    Cheapest is the one with the fewest promotions, then the fewest fits: each promotion is a change that people may notice.
    A yardstick is no policy that a project file can state.
    """
    real = [one for one in policies if not one.is_yardstick]
    best = next((one for one in real if one.short is None), real[0])
    most = max(0.0, best.gain.value) if best.gain is not None else 0.0
    near = [one for one in real if one.short is None or one.short.low <= MAY_MISS * most]
    taken = min(near, key=lambda one: (one.promotions, one.fits, -(one.gain.value if one.gain else 0.0)))
    said = metric.replace("_", " ")
    if taken.name == best.name:
        if taken.promotions == 0:
            return taken.name, f"no other policy was better in {said} than never refitting"
        return taken.name, f"it has the best {said}, and none that is as good promotes more seldom"
    if taken.promotions == 0:
        return taken.name, f"what {best.name} gains in {said} ({best.gain}) is not clear, and it costs {best.promotions} promotions"
    share = f", with {100 * taken.gain.value / most:.0f} % of the gain" if most > 0 and taken.gain is not None else ""
    costs = f"{taken.promotions} promotions in place of {best.promotions}"
    return taken.name, f"it is not clearly behind {best.name}, the best in {said}{share}, and needs {costs}"
