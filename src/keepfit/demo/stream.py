"""The demo's stream: flights after February, posted to a server as they come, their labels a day later."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from keepfit import errors
from keepfit.instant import show
from keepfit.request import as_request

if TYPE_CHECKING:
    import polars as pl

__all__ = ["TABLE", "Stream", "flights", "server"]

TABLE = "flights.parquet"
BATCH = 500


def flights() -> pl.DataFrame:
    """The demo's table, as it ships with the package."""
    import polars as pl  # the command line starts without it

    with resources.as_file(resources.files("keepfit.demo") / TABLE) as path:
        return pl.read_parquet(path)


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`keepfit serve --simulated` on a free port, as a process of its own; ended when the block ends.

    Raises
    ------
    ServerFailed
        It did not start.
    """
    command = [
        sys.executable,
        "-m",
        "keepfit",
        "serve",
        "-C",
        str(folder),
        "--port",
        "0",
        "--simulated",
        "--with-stdin",
        "--json",
        "--quiet",
    ]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("{"):
            raise errors.ServerFailed("the server did not start", at="keepfit serve", fix="run it by hand in the project to see why")
        yield json.loads(line)["url"], process
    finally:
        process.terminate()
        process.communicate(timeout=30)


@dataclass(frozen=True, slots=True)
class Stream:
    """Posts days of flights to a server, and the labels of the day before."""

    client: httpx.Client
    table: pl.DataFrame
    key: tuple[str, ...] = ("carrier", "flight", "departure")

    def day(self, begin: datetime) -> int:
        """Ask about the flights of one day, hour by hour, three hours before that hour; give how many."""
        rows = self._of(begin).drop("late", "arr_delay")
        for hour in range(24):
            at = begin + timedelta(hours=hour)
            asked = rows.filter(rows["departure"].dt.hour() == hour)
            if asked.height:
                self._post("/v1/predict", {"rows": [as_request(row) for row in asked.iter_rows(named=True)]}, at=at - timedelta(hours=3))
        return rows.height

    def labels(self, begin: datetime, *, at: datetime) -> int:
        """Tell how late the flights of one day were; give how many."""
        rows = self._of(begin).select(*self.key, "late")
        told = [
            {"key": {k: v for k, v in row.items() if k != "late"}, "value": row["late"]}
            for row in map(as_request, rows.iter_rows(named=True))
        ]
        for start in range(0, len(told), BATCH * 4):
            self._post("/v1/labels", {"labels": told[start : start + BATCH * 4]}, at=at)
        return rows.height

    def _of(self, begin: datetime) -> pl.DataFrame:
        import polars as pl  # the command line starts without it

        return self.table.filter((pl.col("departure") >= begin) & (pl.col("departure") < begin + timedelta(days=1)))

    def _post(self, path: str, body: dict[str, Any], *, at: datetime) -> None:
        answer = self.client.post(path, json=body, headers={"Keepfit-Now": show(at)})
        if answer.status_code != 200:
            raise errors.ServerFailed(f"the server answered {answer.status_code}: {answer.text[:300]}", at=path, fix="run it again")
