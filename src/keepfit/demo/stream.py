"""The demo's stream: flights after February, posted to a server as they come, their labels a day later."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import msgspec

from keepfit import errors
from keepfit.instant import show

if TYPE_CHECKING:
    import polars as pl

__all__ = ["TABLE", "Stream", "flights", "server"]

TABLE = "flights.parquet"
BATCH = 2000
#: A passenger asks so long before departure.
AHEAD = timedelta(hours=3)


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
    """Posts days of flights to a server, and the labels of the day before; keeps what was answered of each flight."""

    client: httpx.Client
    table: pl.DataFrame
    key: tuple[str, ...] = ("carrier", "flight", "departure")
    #: By day: its flights, with the `score` and the `release` that answered.
    answers: dict[datetime, pl.DataFrame] = field(default_factory=dict)

    def day(self, begin: datetime) -> int:
        """Ask about the flights of one day, hour by hour, three hours before that hour; give how many."""
        import polars as pl  # the command line starts without it

        rows, answered = self._of(begin), []
        hours = rows["departure"].dt.hour()
        for hour in range(24):
            asked = rows.filter(hours == hour)
            if asked.height:
                body = f'{{"rows":{_as_text(asked.drop("late", "arr_delay")).write_json()}}}'
                said = self._post("/v1/predict", body, at=begin + timedelta(hours=hour) - AHEAD)
                told = {
                    "score": [one["score"] for one in said["predictions"]],
                    "release": [one.get("release", said["release"]) for one in said["predictions"]],
                }
                answered.append(asked.with_columns(pl.DataFrame(told)))
        if answered:
            self.answers[begin] = pl.concat(answered)
        return rows.height

    def labels(self, begin: datetime, *, at: datetime) -> int:
        """Tell how late the flights of one day were; give how many."""
        import polars as pl  # the command line starts without it

        told = _as_text(self._of(begin)).select(key=pl.struct(*self.key), value="late")
        for start in range(0, told.height, BATCH):
            self._post("/v1/labels", f'{{"labels":{told.slice(start, BATCH).write_json()}}}', at=at)
        return told.height

    def _of(self, begin: datetime) -> pl.DataFrame:
        import polars as pl  # the command line starts without it

        return self.table.filter((pl.col("departure") >= begin) & (pl.col("departure") < begin + timedelta(days=1)))

    def _post(self, path: str, body: str, *, at: datetime) -> Any:
        headers = {"Keepfit-Now": show(at), "Content-Type": "application/json"}
        answer = self.client.post(path, content=body, headers=headers)
        if answer.status_code != 200:
            raise errors.ServerFailed(f"the server answered {answer.status_code}: {answer.text[:300]}", at=path, fix="run it again")
        return msgspec.json.decode(answer.content)


def _as_text(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows as requests carry them: times as text with their offset."""
    import polars.selectors as cs  # the command line starts without it

    return rows.with_columns(cs.datetime().dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ"))
