"""How often a change is found, by a rule that raises as few false alarms as another.

    python benchmarks/drift/power.py [--rows 500 5000 50000] [--references 40] [--windows 10] [--blocks 20] [--json]

Rows are independent. Both rules are set to raise an alarm in 5 % of the windows of this run in which nothing changed.
Each change is made to windows whose unchanged form is known, after others in which nothing changed. The second table
asks of `matters`, as it is set by default, how often it finds changes of twice and of half the least effect.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from classic import of_column, of_gaps
from world import COLUMNS, CONTINUOUS, LIMITS, NUMBERS, Held, Seen, Window, World, reference

import keepfit.moved as rule
from keepfit.moved import moved
from keepfit.ordinary import Column
from keepfit.recent import Recent, Shares, carried

Change = Callable[[World, Window, np.random.Generator], dict[int, Held]]
#: What the run is set to: the share of unchanged windows that raise an alarm.
SET_TO = 0.05
#: Categories of few names, in which one can move.
FEW_NAMES = range(NUMBERS + 1, NUMBERS + 6)


def location(shift: float, columns: int = 1) -> Change:
    def make(world: World, window: Window, draw: np.random.Generator) -> dict[int, Held]:
        chosen = draw.choice(CONTINUOUS, columns, replace=False)
        return {int(at): world.held(window, int(at), values=window.values[:, at] + np.float32(shift)) for at in chosen}

    return make


def scale(by: float) -> Change:
    def make(world: World, window: Window, draw: np.random.Generator) -> dict[int, Held]:
        at = int(draw.integers(CONTINUOUS))
        return {at: world.held(window, at, values=window.values[:, at] * np.float32(by))}

    return make


def missing(share: float) -> Change:
    def make(world: World, window: Window, draw: np.random.Generator) -> dict[int, Held]:
        at = int(draw.integers(3, 10))  # one for each rate of missing values
        return {at: world.held(window, at, gap=draw.random(window.rows) < share)}

    return make


def outliers(share: float) -> Change:
    def make(world: World, window: Window, draw: np.random.Generator) -> dict[int, Held]:
        at, hit = int(draw.integers(CONTINUOUS)), draw.random(window.rows) < share
        values = window.values[:, at]
        return {at: world.held(window, at, values=np.where(hit, 4 * np.sign(values), values))}

    return make


def to_another(share: float, *, of_all: bool = False) -> Change:
    """A share of one frequent name's rows, or of all rows, goes to the next name."""

    def make(world: World, window: Window, draw: np.random.Generator) -> dict[int, Held]:
        at = int(draw.choice(FEW_NAMES))
        held = world.held(window, at)
        counts = held.counts.copy()
        name = 0 if of_all else int(draw.integers(0, 3))
        part = min(1.0, share * counts.sum() / counts[name]) if of_all else share
        gone = int(draw.binomial(counts[name], part))
        counts[name] -= gone
        counts[(name + 1) % counts.size] += gone
        return {at: Held(counts, held.missing)}

    return make


def new_name(share: float) -> Change:
    def make(world: World, window: Window, draw: np.random.Generator) -> dict[int, Held]:
        at = int(draw.integers(NUMBERS, NUMBERS + 8))
        held = world.held(window, at)
        gone = draw.binomial(held.counts, share)
        return {at: Held(held.counts - gone, held.missing, int(gone.sum()))}

    return make


CHANGES: dict[str, Change] = {
    "0.05 sd in 3 columns": location(0.05, 3),
    "0.05 sd in 5 columns": location(0.05, 5),
    "0.1 sd": location(0.1),
    "0.2 sd": location(0.2),
    "spread x 1.1": scale(1.1),
    "spread x 1.2": scale(1.2),
    "0.5 % more missing": missing(0.005),
    "1 % more missing": missing(0.01),
    "2 % more missing": missing(0.02),
    "a tenth of a name to another": to_another(0.1),
    "a fifth of a name to another": to_another(0.2),
    "a new name in 0.2 %": new_name(0.002),
    "1 % outliers": outliers(0.01),
}
LEAST = LIMITS.min_effect
MATTERS: dict[str, Change] = {
    f"{name}, {word}": change
    for word, times in (("half", 0.5), ("twice", 2.0))
    for name, change in {
        "location": location(times * LEAST),
        "spread": scale(math.exp(times * LEAST)),
        "missing": missing(times * LEAST),
        "categories": to_another(times * LEAST, of_all=True),
        "a new name": new_name(times * LEAST),
    }.items()
}


class Remembered:
    """Every question about a column, asked once of the same rows: a change leaves nearly all columns of a window as they were."""

    def __init__(self, ask: Callable[..., Any]) -> None:
        self.ask = ask
        self.known: dict[tuple[int, Shares], Any] = {}

    def __call__(self, column: Column, seen: Shares) -> Any:
        found = self.known.get((id(column), seen))
        if found is None:
            found = self.known[id(column), seen] = self.ask(column, seen)
        return found


class Run:
    """Windows in a row against references, each judged as it is and changed."""

    def __init__(self, rows: int, references: int, windows: int, blocks: int) -> None:
        rule._ask = Remembered(rule._ask)
        self.unchanged: list[float] = []
        self.classic: dict[bool, list[float]] = {False: [], True: []}
        self.found: dict[str, list[float]] = {name: [] for name in CHANGES}
        self.classic_found: dict[str, dict[bool, list[float]]] = {name: {False: [], True: []} for name in CHANGES}
        self.matters: dict[str, list[bool]] = {name: [] for name in MATTERS}
        for number in range(references):
            world, draw = World(1000 + number, "alone"), np.random.default_rng(number)
            seen, recent = reference(world, rows, blocks), None
            for _ in range(windows):
                rule._ask.known.clear()
                recent = self._window(world, seen, recent, world.window(rows), draw)

    def _window(self, world: World, seen: Seen, recent: Recent | None, window: Window, draw: np.random.Generator) -> Recent:
        held = world.all_held(window)
        columns = [(of_column(seen, at, one), of_gaps(seen, at, one)) for at, one in enumerate(held)]
        now = Recent(1, seen.shares(held), {})
        late = carried(recent, now)
        self.unchanged.append(_least(moved(seen.ordinary, now.features, late.features, {}, LIMITS)))
        self._note(self.classic, columns)
        for name, change in {**CHANGES, **MATTERS}.items():
            changed = change(world, window, draw)
            whole = [changed.get(at, one) for at, one in enumerate(held)]
            then = Recent(1, seen.shares(whole), {})
            found = moved(seen.ordinary, then.features, carried(recent, then).features, {}, LIMITS)
            if name in MATTERS:
                self.matters[name].append(any(one.matters for one in found if int(one.column) in changed))
                continue
            self.found[name].append(_least(found))
            moved_ones = [
                (of_column(seen, at, whole[at]), of_gaps(seen, at, whole[at])) if at in changed else columns[at] for at in range(COLUMNS)
            ]
            self._note(self.classic_found[name], moved_ones)
        return late

    def _note(self, into: dict[bool, list[float]], columns: list[tuple[float, float]]) -> None:
        into[False].append(min(one for one, _ in columns))
        into[True].append(min(min(one) for one in columns))

    def table(self) -> dict[str, Any]:
        ours = float(np.quantile(self.unchanged, SET_TO))
        theirs = {gaps: float(np.quantile(values, SET_TO)) for gaps, values in self.classic.items()}
        return {
            "measured": float(np.mean(np.array(self.unchanged) <= LIMITS.false_alarms)),
            "windows": len(self.unchanged),
            "power": {
                name: {
                    "ours": float(np.mean(np.array(self.found[name]) <= ours)),
                    "as set by default": float(np.mean(np.array(self.found[name]) <= LIMITS.false_alarms)),
                    "bonferroni": float(np.mean(np.array(self.classic_found[name][False]) <= theirs[False])),
                    "bonferroni with gaps": float(np.mean(np.array(self.classic_found[name][True]) <= theirs[True])),
                }
                for name in CHANGES
            },
            "matters": {name: float(np.mean(values)) for name, values in self.matters.items()},
        }


def _least(found: list[Any]) -> float:
    return min(one.adjusted for one in found)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, nargs="+", default=[500, 5000, 50_000])
    options.add_argument("--references", type=int, default=40)
    options.add_argument("--windows", type=int, default=10)
    options.add_argument("--blocks", type=int, default=20)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    tables = {}
    for rows in chosen.rows:
        began = time.process_time()
        tables[rows] = table = Run(rows, chosen.references, chosen.windows, chosen.blocks).table()
        if chosen.json:
            continue
        print(f"{rows:,} rows: {table['measured']:.1%} of {table['windows']} unchanged windows, {time.process_time() - began:.0f} CPU-s")
        print(f"  {'change':32} {'ours':>6} {'default':>8} {'Bonferroni':>11} {'with gaps':>10}")
        for name, row in table["power"].items():
            print("  {:32} {:6.1%} {:8.1%} {:11.1%} {:10.1%}".format(name, *row.values()))
        for name, share in table["matters"].items():
            print(f"  matters: {name:24} {share:6.1%}", flush=True)
    if chosen.json:
        print(json.dumps(tables, indent=1))


if __name__ == "__main__":
    main()
