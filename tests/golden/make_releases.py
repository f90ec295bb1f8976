"""How the golden release folders were made; run once for each format, never over folders that are there.

python tests/golden/make_releases.py v2
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
TOML = """
[problem]
name = "returns"
statement = "Will this order come back?"
target = "returned"
time = "at"
key = ["order", "at"]
value = {{ true_positive = 5, false_positive = -2 }}

[data]
source = "orders.parquet"

[columns]
product = {{ kind = "category" }}
gift = {{ kind = "category" }}
member = {{ subject = true }}
gender = {{ protected = true }}
refund = {{ known = "later" }}

[model]
estimators = ["{estimator}"]
trials = 0
"""
ROW: dict[str, Any] = {
    "order": 1001,
    "at": "2024-03-01T12:30:00Z",
    "shop": "Köln",
    "product": 1,
    "price": 10.1,
    "size": 1.5,
    "weekend": False,
    "gift": True,
    "stock": 3,
}
ROWS = [
    ROW,
    ROW | {"at": "2024-03-02T23:59:59.999999+00:00", "weekend": True, "gift": False},
    ROW | {"at": "2024-03-03T01:30:00+01:30", "shop": "München", "price": -0.0},
    ROW | {"shop": "never seen", "product": 77},
    ROW | {"shop": None, "product": None, "price": None, "size": None, "weekend": None, "gift": None, "stock": None},
    {"order": 1, "at": "1969-12-31T23:59:00Z"} | {name: ROW[name] for name in ("shop", "product", "price", "weekend", "gift")},
    ROW | {"price": 1e300, "size": 3.5e38, "stock": 2**62},
    ROW | {"price": 12, "size": 2, "order": 2.0, "product": 2.0, "stock": 4.0},
    ROW | {"size": 0.1, "at": "0001-01-01T00:00:00Z"},
    ROW | {"at": "9999-12-31T23:59:59Z", "member": "anna", "gender": "f"},
    ROW | {"order": 2**53, "at": "2024-02-29T00:00:00-12:00", "price": 5e-324},
]


def orders() -> Any:
    """260 orders with every stored type, missing values, rare categories and private columns."""
    import polars as pl

    draw = random.Random(20240101)
    rows = []
    for number in range(260):
        price, shop, weekend = round(draw.uniform(1, 90), 2), draw.choice(["Köln", "München", "Ulm", "Bonn"]), draw.random() < 0.3
        chance = 0.15 + 0.5 * (price > 45) + 0.2 * (shop == "Ulm") - 0.1 * weekend
        rows.append(
            {
                "order": number,
                "at": BEGIN + timedelta(minutes=223 * number),
                "shop": shop if number % 97 else "rare",
                "product": draw.randrange(5),
                "price": price,
                "size": None if number % 7 == 0 else draw.uniform(0, 3),
                "weekend": weekend,
                "gift": draw.random() < 0.5,
                "stock": None if number % 11 == 0 else draw.randrange(20),
                "member": f"member {number % 50}",
                "gender": draw.choice("fm"),
                "refund": draw.random(),
                "returned": draw.random() < chance,
            }
        )
    return pl.DataFrame(rows, schema_overrides={"size": pl.Float32})


def make(into: Path, estimator: str, *, calibrated: bool) -> None:
    from keepfit import record
    from keepfit.calibration import Calibration
    from keepfit.loop.run import run
    from keepfit.release import Release
    from keepfit.workspace import Workspace

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "keepfit.toml").write_text(TOML.format(estimator=estimator), encoding="utf-8")
        orders().write_parquet(folder / "orders.parquet")
        ws = Workspace(folder)
        made = run(ws, now=BEGIN + timedelta(days=60))
        assert made.released is not None
        shutil.copytree(ws.release_folder(made.released), into)
    if calibrated:
        path = into / "release.json"
        whole = replace(record.read(Release, path.read_bytes()), calibration=Calibration(0.8, -0.1))
        path.write_text(record.text(whole), encoding="utf-8")


def answers(folder: Path) -> list[dict[str, Any]]:
    """What a release says to every row of `ROWS`."""
    from keepfit.serving.served import Served
    from keepfit.workspace import column_kinds

    served = Served(folder, column_kinds())
    names = ("outputs", "prediction", "decision", "warnings", "time", "key", "private")
    found = []
    for row in ROWS:
        said = served.answer(row)
        answer = {name: getattr(said, name) for name in names}
        found.append({"row": row, **answer, "time": answer["time"].isoformat()})
    return found


def main() -> None:
    format_, releases = sys.argv[1], Path(__file__).with_name("releases")
    for name, estimator in (("linear", "linear"), ("trees", "lightgbm"), ("calibrated", "linear")):
        folder = releases / f"{format_}-{name}"
        if folder.exists():
            continue
        make(folder, estimator, calibrated=name == "calibrated")
        said = json.dumps(answers(folder), indent=1, ensure_ascii=False) + "\n"
        folder.with_suffix(".answers.json").write_text(said, encoding="utf-8")


if __name__ == "__main__":
    main()
