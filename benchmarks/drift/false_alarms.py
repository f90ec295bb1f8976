"""How often a window raises an alarm though nothing changed.

    python benchmarks/drift/false_alarms.py [--rows 500 5000 50000] [--references 40] [--windows 10] [--blocks 20] [--json]

Each cell of the table judges so many windows in a row against each of so many references, every question and windows
of late included, with `false_alarms = 0.05`; the standard error takes the windows of one reference together. Beside
stand Kolmogorov-Smirnov and chi-square tests of each column, by Bonferroni, on the same windows. Each window size must
stay within 5 % and 2.6 standard errors in every cell, and within 7 % over its cells.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from typing import Any, get_args

import numpy as np
from classic import smallest
from world import COLUMNS, LIMITS, Variation, World, reference

from keepfit.moved import moved
from keepfit.recent import Recent, carried

LATEST_ALARM = 0.07


def cell(variation: Variation, rows: int, references: int, windows: int, blocks: int) -> dict[str, Any]:
    began = time.process_time()
    alarms, classic, raised = np.zeros((references, windows)), np.zeros((references, windows)), Counter[str]()
    for number in range(references):
        world = World(1000 + number, variation)
        seen, recent = reference(world, rows, blocks), None
        for at in range(windows):
            held = world.all_held(world.window(rows))
            now = Recent(1, seen.shares(held), {})
            recent = carried(recent, now)
            found = moved(seen.ordinary, now.features, recent.features, {}, LIMITS)
            alarms[number, at] = found[0].moved
            raised.update(f"{one.statistic}, {one.over}" for one in found[:1] if one.moved)
            classic[number, at] = smallest(seen, held) * COLUMNS <= LIMITS.false_alarms
    each = alarms.mean(axis=1)
    error = float(each.std(ddof=1)) / np.sqrt(references) if references > 1 else float("nan")
    return {
        "rows": rows,
        "variation": variation,
        "windows": alarms.size,
        "alarms": float(alarms.mean()),
        "error": error,
        "kept": bool(alarms.mean() <= LIMITS.false_alarms + 2.6 * error),
        "classic": float(classic.mean()),
        "raised": dict(raised),
        "cpu_s": time.process_time() - began,
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, nargs="+", default=[500, 5000, 50_000])
    options.add_argument("--references", type=int, default=40)
    options.add_argument("--windows", type=int, default=10)
    options.add_argument("--blocks", type=int, default=20)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    found = []
    for rows in chosen.rows:
        for variation in get_args(Variation):
            one = cell(variation, rows, chosen.references, chosen.windows, chosen.blocks)
            found.append(one)
            if not chosen.json:
                kept = "kept" if one["kept"] else "NOT KEPT"
                print(
                    f"{rows:7,} rows, {variation:9} {one['alarms']:6.2%} ± {one['error']:.2%}  {kept:9} "
                    f"Bonferroni {one['classic']:6.1%}  {one['cpu_s']:6.0f} CPU-s  {one['raised']}",
                    flush=True,
                )
        together = float(np.mean([one["alarms"] for one in found if one["rows"] == rows]))
        if not chosen.json:
            print(f"{rows:7,} rows, all       {together:6.2%}  {'kept' if together <= LATEST_ALARM else 'NOT KEPT'}", flush=True)
    if chosen.json:
        print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
