"""Traces by OpenTelemetry: a span for each request, sent where the standard variables `OTEL_EXPORTER_OTLP_…` say.

A span begins with the request's head and goes on with the client's trace, where `traceparent` names one. It holds the
route, the status, and the release; nothing of a row.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from keepfit import errors
from keepfit.serving.exchange import Headers

__all__ = ["Traces", "traces"]


class Traces:
    """Makes spans, and sends what is left at the end."""

    def __init__(
        self, tracer: Any, server: Any, error: Any, extract: Callable[[dict[str, str]], Any], shutdown: Callable[[], None]
    ) -> None:
        self._tracer, self._server, self._error, self._extract, self.close = tracer, server, error, extract, shutdown

    def span(self, method: str, route: str, headers: Headers, started: int, taken: int, status: int, release: str | None) -> None:
        """Tell of one request.

        Parameters
        ----------
        started : of `time.perf_counter_ns`
        taken : nanoseconds
        """
        begun = time.time_ns() - (time.perf_counter_ns() - started)
        carried = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers if name in (b"traceparent", b"tracestate")}
        attributes = {"http.request.method": method, "http.route": route, "http.response.status_code": status}
        if release is not None:
            attributes["keepfit.release"] = release
        span = self._tracer.start_span(
            f"{method} {route}", context=self._extract(carried), kind=self._server, start_time=begun, attributes=attributes
        )
        if status >= 500:
            span.set_status(self._error)
        span.end(end_time=begun + taken)


def traces(project: str) -> Traces:
    """Spans of one process, sent in batches by OTLP over HTTP.

    Raises
    ------
    ExtraNeeded
        OpenTelemetry is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
    except ImportError as missing:
        raise errors.ExtraNeeded("traces need OpenTelemetry", at="--traces", fix="pip install 'keepfit[otel]'") from missing
    resource = Resource.create({"service.name": "keepfit", "keepfit.project": project})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracer = provider.get_tracer("keepfit.serving")
    return Traces(tracer, SpanKind.SERVER, Status(StatusCode.ERROR), TraceContextTextMapPropagator().extract, provider.shutdown)
