"""`[serve]`: what a server promises, and what it bears."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from keepfit.instant import Duration
from keepfit.spec.strict import Length, Strict

__all__ = ["ServeSpec"]


class ServeSpec(Strict):
    """How answers are kept, and how much is taken at once."""

    #: "process": an answer on record survives the end of its process. "disk": the end of the machine too; it waits for the disk.
    durability: Literal["process", "disk"] = "process"
    #: What happens while the log cannot be written. "refuse": requests get 503. "serve": answers go out, and their records
    #: wait in memory, up to 64 MB, until they can be written.
    on_log_failure: Literal["refuse", "serve"] = "refuse"
    #: The share of predictions that are kept, chosen by their ids; each record says with which chance it was kept.
    log_sample: Annotated[float, Field(gt=0, le=1)] = 1.0
    #: Rows in one request; more are refused with 413.
    most_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    #: Bytes in one body; more are refused with 413.
    most_bytes: Annotated[int, Field(ge=1024, le=1 << 30)] = 6_291_456
    #: How long a request may take to arrive; a slower client gets 408.
    timeout: Length = Duration.parse("30s")
    #: Requests in a second from one key, or where there is none one address; more get 429. 0: as many as come.
    rate: Annotated[int, Field(ge=0)] = 0
    #: Requests under way in one worker; more get 503.
    concurrency: Annotated[int, Field(ge=1)] = 1000
    #: Connections that one worker holds; further ones get 503.
    connections: Annotated[int, Field(ge=1)] = 20_000

    @field_validator("timeout")
    @classmethod
    def _long_enough(cls, value: Duration) -> Duration:
        if value < Duration.parse("1s"):
            raise ValueError("a request has at least 1s to arrive")
        return value
