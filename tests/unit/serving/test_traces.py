"""Spans of requests, as a collector receives them."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from keepfit.serving.traces import traces


@pytest.fixture
def collector(monkeypatch):
    """A collector on loopback, and the requests that it received."""
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append((self.path, gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield received
    server.shutdown()
    thread.join()
    server.server_close()


def spans(received):
    for path, body in received:
        assert path == "/v1/traces"
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            about = {one.key: one.value.string_value for one in resource.resource.attributes}
            assert (about["service.name"], about["keepfit.project"]) == ("keepfit", "returns")
            for scope in resource.scope_spans:
                yield from scope.spans


def test_a_request_is_a_span_in_its_client_s_trace_and_holds_nothing_of_a_row(make, row, collector):
    client = make(traces=traces("returns"))
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"Keepfit-Now": "2024-03-01T09:00Z", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    assert client.ask("POST", "/v1/predict", headers=headers, json={"rows": [row]}).status_code == 200
    assert client.ask("POST", "/v1/nothing", json={}).status_code == 404
    client.app.close()
    by_name = {span.name: span for span in spans(collector)}
    assert set(by_name) == {"POST /v1/predict", "POST none"}
    span = by_name["POST /v1/predict"]
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (trace, "00f067aa0ba902b7")
    assert 0 < span.end_time_unix_nano - span.start_time_unix_nano < 60_000_000_000
    told = {one.key: one.value.string_value or one.value.int_value for one in span.attributes}
    assert told == {
        "http.request.method": "POST",
        "http.route": "/v1/predict",
        "http.response.status_code": 200,
        "keepfit.release": "r1",
    }
