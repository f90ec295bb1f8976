"""What the default policy regains on real streams with drift, beside never refitting and refitting every window.

`python benchmarks/streams/policies.py [STREAM ...] [--json]`. Each stream's past is replayed by the loop's own steps. "every" takes
every refit over at once, unjudged; "default" is the policy of a project file that says nothing of it. *Regained* is the share of what
refitting every window gains in log loss over never refitting; *worse* says whether the 95 % interval of the default's gain over never,
whole days resampled, lies below 0. The last known label is the no-change baseline.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path

import tables

import keepfit
from keepfit import record
from keepfit.replay import FRESHEST, NEVER

DEFAULT = "default"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("streams", nargs="*", metavar="STREAM", help=f"by default {', '.join(tables.STREAMS)}")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", type=Path, help="write each replay's record into this folder")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    found = []
    for name in given.streams or tables.STREAMS:
        found.append(measured(name, given.keep))
        if not given.json:
            print(line(found[-1]), flush=True)
    if given.json:
        print(json.dumps(found))
    else:
        regained, worse = statistics.median(one["regained"] for one in found), sum(one["worse"] for one in found)
        print(f"median regained {regained:.0%}; worse than never on {worse}")


def measured(name: str, keep: Path | None) -> dict:
    """One stream."""
    with tempfile.TemporaryDirectory() as place:
        folder = tables.write(name, Path(place))
        policy = folder / f"{DEFAULT}.toml"
        policy.write_text('[refit]\nchallenger = "window"\non = ["challenger", "quality"]\n')
        begun = time.process_time()
        with keepfit.open(folder) as project:
            found = project.replay([policy], now=datetime.now(UTC))
        seconds = time.process_time() - begun
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"{name}.json").write_text(record.text(found))
    never, default, every = found[NEVER], found[DEFAULT], found[FRESHEST]
    last = found.baselines.get("last_label")
    return {
        "stream": name,
        "windows": found.windows,
        "rows": found.rows,
        "never": never.quality.value,
        "default": default.quality.value,
        "every": every.quality.value,
        "gain": [default.gain.value, default.gain.low, default.gain.high],
        "gain_of_every": [every.gain.value, every.gain.low, every.gain.high],
        "regained": default.gain.value / every.gain.value if every.gain.value else 1.0,
        "worse": default.gain.high < 0,
        "promotions": default.promotions,
        "constant": found.baselines["constant"].value,
        "last_label": last.value if last else None,
        "notes": list(found.notes),
        "seconds": seconds,
    }


def line(one: dict) -> str:
    head = (
        f"{'stream':<15}{'windows':>8}{'rows':>9}{'never':>8}{'default':>9}{'every':>8}{'gain of default':>29}{'gain of every':>29}"
        f"{'regained':>10}{'promotions':>12}{'last label':>12}{'constant':>10}{'CPU-s':>7}\n"
    )
    shown, line.head = ("" if getattr(line, "head", False) else head), True  # type: ignore[attr-defined]
    gains = "".join(f"{'{:+.4f} [{:+.4f}, {:+.4f}]'.format(*one[name]):>29}" for name in ("gain", "gain_of_every"))
    last = f"{one['last_label']:.4f}" if one["last_label"] is not None else "-"
    return (
        f"{shown}{one['stream']:<15}{one['windows']:>8}{one['rows']:>9,}{one['never']:>8.4f}{one['default']:>9.4f}{one['every']:>8.4f}{gains}"
        f"{one['regained']:>10.0%}{one['promotions']:>12}{last:>12}{one['constant']:>10.4f}{one['seconds']:>7.0f}"
    )


if __name__ == "__main__":
    sys.exit(main())
