from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from keepfit.workspace import Workspace

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
PROJECT = """\
[problem]
name = "orders"
target = "bad"
time = "at"
key = ["order"]
label_delay = "1d"

[data]
source = "orders.parquet"

[columns]
member = { subject = true }
gender = { protected = true }
email = { personal = true }
town = { personal = true, keep = true }
refund = { known = "later" }
notes = { ignore = true }
"""


@pytest.fixture
def orders():
    """Forty orders, one every six hours."""
    count = 40
    return pl.DataFrame(
        {
            "order": range(count),
            "at": [BEGIN + timedelta(hours=6 * number) for number in range(count)],
            "amount": [None if number % 5 == 0 else number / 2 for number in range(count)],
            "member": [f"m{number % 7}" for number in range(count)],
            "gender": ["fm"[number % 2] for number in range(count)],
            "email": [f"secret{number}@example.org" for number in range(count)],
            "town": ["Ulm"] * count,
            "refund": [float(number) for number in range(count)],
            "notes": ["nobody reads this"] * count,
            "bad": [number % 3 == 0 for number in range(count)],
        },
        schema_overrides={"at": pl.Datetime("us", "UTC")},
    )


@pytest.fixture
def project_text():
    """The project file."""
    return PROJECT


@pytest.fixture
def project(tmp_path, orders):
    """Make the project's workspace, of another table or with other text where that is asked for."""

    def make(frame=orders, text=PROJECT):
        (tmp_path / "keepfit.toml").write_text(text)
        frame.write_parquet(tmp_path / "orders.parquet")
        return Workspace(tmp_path)

    return make
