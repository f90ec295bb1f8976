"""Counters of all workers together, in memory that they share, and their form for Prometheus.

Every worker counts in a part of its own, so none waits for another and a killed one loses nothing; whoever is
asked adds the parts up.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

__all__ = ["STATUSES", "Counters", "Family", "Sample", "expose", "shared_memory"]

STATUSES = (200, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 431, 500, 503, 504)
#: Upper bounds of the latency buckets, in seconds.
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
ROLES = ("champion", "canary", "shadow")


class Family(NamedTuple):
    """Samples of one name: what they count, and by what."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    labels: tuple[Mapping[str, str], ...] = ({},)


class Sample(NamedTuple):
    """One number that is looked up when it is asked for."""

    name: str
    help: str
    value: float
    labels: Mapping[str, str] = {}
    kind: Literal["counter", "gauge"] = "gauge"


def families(routes: Sequence[str]) -> tuple[Family, ...]:
    """What is counted, the same in every process of a server."""
    of_requests = tuple({"route": route, "status": str(status)} for route in routes for status in STATUSES)
    of_roles = tuple({"role": role} for role in ROLES)
    return (
        Family("keepfit_requests_total", "counter", "Requests, by route and status.", of_requests),
        Family("keepfit_predictions_total", "counter", "Rows answered, by the role of the release.", of_roles),
        Family("keepfit_warnings_total", "counter", "Warnings in answers, as of a category that training did not see."),
        Family("keepfit_replayed_total", "counter", "Rows whose stored answer was given again."),
        Family("keepfit_labels_total", "counter", "Labels taken."),
        Family("keepfit_connections", "gauge", "Connections that are open."),
        Family("keepfit_logged_total", "counter", "Predictions and labels that were kept."),
        Family("keepfit_log_failures_total", "counter", "Attempts to keep something that failed."),
        Family("keepfit_log_failing", "gauge", "Workers that cannot write their log now."),
        Family("keepfit_log_waiting", "gauge", "Records that wait in memory until the log can be written."),
        Family("keepfit_canary_failures_total", "counter", "Rows that the canary could not answer, and the champion did."),
        Family("keepfit_shadow_waiting", "gauge", "Rows that the shadow has still to answer."),
        Family("keepfit_shadow_failures_total", "counter", "Rows that the shadow could not answer."),
        Family("keepfit_shadow_dropped_total", "counter", "Rows that the shadow did not answer, because too many waited."),
        Family("keepfit_releases_refused", "gauge", "Releases in a role that a worker could not load."),
        Family("keepfit_workers", "gauge", "Workers that run."),
        Family("keepfit_worker_starts_total", "counter", "Workers that were started, the first ones included."),
        Family("keepfit_ledger_unreachable", "gauge", "1 while the ledger cannot be read: roles and keys stay as they were."),
        Family("keepfit_folds_total", "counter", "Segments that became tables."),
        Family("keepfit_fold_failing", "gauge", "1 while segments cannot be folded: they wait."),
        Family("keepfit_repeated_predictions_total", "counter", "Predictions that were logged again under their id, found by the fold."),
        Family("keepfit_disagreeing_predictions_total", "counter", "Those of them that say something else than the first, which counts."),
    )


def shared_memory() -> int:
    """A file in memory that processes share by its descriptor; it vanishes with the last of them."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("keepfit", 0)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class Counters:
    """One process's part of the counters, and the sum of all.

    Parameters
    ----------
    routes : the paths that are counted, the same in every process
    parts : how many processes count: each worker, and the parent
    part : this process's, from 0
    descriptor : of `shared_memory`; None counts for this process alone
    """

    def __init__(self, routes: Sequence[str], *, parts: int = 1, part: int = 0, descriptor: int | None = None) -> None:
        self._families = families(routes)
        self._at: dict[tuple[str, tuple[str, ...]], int] = {}
        for family in self._families:
            for labels in family.labels:
                self._at[family.name, tuple(labels.values())] = len(self._at)
        self._routes = tuple(routes)
        self._latency = len(self._at)
        self._wide = len(BUCKETS) + 2  # the last bucket, and the sum in microseconds
        self._size = self._latency + self._wide * len(routes)
        self._parts = parts
        length = 8 * self._size * parts
        if descriptor is None:
            memory = mmap.mmap(-1, length)
        else:
            os.ftruncate(descriptor, length)
            memory = mmap.mmap(descriptor, length)
        self._all = memoryview(memory).cast("Q")
        self._own = self._all[part * self._size : (part + 1) * self._size]
        self._requests = {
            (route, status): self._at["keepfit_requests_total", (route, str(status))] for route in routes for status in STATUSES
        }
        self._buckets = {route: self._latency + number * self._wide for number, route in enumerate(routes)}

    def answered(self, route: str, status: int, nanoseconds: int) -> None:
        """Count one request."""
        own = self._own
        own[self._requests.get((route, status), self._requests[route, 500])] += 1
        first = self._buckets[route]
        own[first + bisect_left(BUCKETS, nanoseconds / 1e9)] += 1
        own[first + self._wide - 1] += nanoseconds // 1000

    def place(self, name: str, *labels: str) -> int:
        """Where `add` and `put` find a number."""
        return self._at[name, labels]

    def add(self, place: int, count: int = 1) -> None:
        self._own[place] += count

    def put(self, place: int, value: int) -> None:
        """Say how much there is now, of a gauge."""
        self._own[place] = value

    def total(self, name: str, *labels: str) -> int:
        """The sum over all processes."""
        return self._sum(self._at[name, labels])

    def clear(self) -> None:
        """Forget this part's gauges: what another process left that counted here before."""
        for family in self._families:
            if family.kind == "gauge":
                for labels in family.labels:
                    self._own[self._at[family.name, tuple(labels.values())]] = 0

    def _sum(self, place: int) -> int:
        return sum(self._all[place + part * self._size] for part in range(self._parts))

    def expose(self, more: Iterable[Sample] = ()) -> str:
        """Everything as Prometheus reads it; of requests only what has happened."""
        lines: list[str] = []
        for family in self._families:
            found = [(labels, self._sum(self._at[family.name, tuple(labels.values())])) for labels in family.labels]
            shown = [(labels, value) for labels, value in found if value or "status" not in labels]
            lines += _head(family.name, family.help, family.kind)
            lines += [_line(family.name, labels, value) for labels, value in shown]
        lines += self._exposed_latency()
        lines += expose(more)
        return "\n".join(lines) + "\n"

    def _exposed_latency(self) -> list[str]:
        name = "keepfit_request_seconds"
        lines = _head(name, "Seconds from a request's head to its answer, by route.", "histogram")
        for route, first in self._buckets.items():
            counts = [self._sum(first + bucket) for bucket in range(self._wide - 1)]
            if not any(counts):
                continue
            so_far = 0
            for bound, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
                so_far += count
                lines.append(_line(f"{name}_bucket", {"route": route, "le": bound}, so_far))
            lines.append(_line(f"{name}_sum", {"route": route}, self._sum(first + self._wide - 1) / 1e6))
            lines.append(_line(f"{name}_count", {"route": route}, so_far))
        return lines


def expose(samples: Iterable[Sample]) -> list[str]:
    """Samples as lines; those of one name stand together."""
    lines: list[str] = []
    said = None
    for sample in samples:
        if sample.name != said:
            lines += _head(sample.name, sample.help, sample.kind)
            said = sample.name
        lines.append(_line(sample.name, sample.labels, sample.value))
    return lines


def _head(name: str, help_: str, kind: str) -> list[str]:
    return [f"# HELP {name} {help_}", f"# TYPE {name} {kind}"]


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    within = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{within}}} {value}" if within else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
