"""A container as SageMaker starts it: the argument `serve`, the model in `/opt/ml/model`, root, port 8080 or the one that is told."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

RELEASE = Path(__file__).parents[2] / "golden" / "releases" / "v1-trees"
ROW = json.loads(RELEASE.with_suffix(".answers.json").read_text(encoding="utf-8"))[0]["row"]
#: The largest body that SageMaker passes on.
MOST = 6_291_456


@pytest.fixture
def container(variables, tmp_path):
    """The server in a name space of its own in which /opt is fresh; gives its URL, and how long it took to its first 200."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    serve = shlex.join([sys.executable, "-m", "keepfit", "serve", "--log", "stdout", "serve"])
    script = f"mount -t tmpfs tmpfs /opt && mkdir -p /opt/ml && cp -r {shlex.quote(str(RELEASE))} /opt/ml/model && exec {serve}"
    shell = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script]
    env = variables | {"SAGEMAKER_BIND_TO_PORT": str(port)}
    begun = time.monotonic()
    with subprocess.Popen(shell, stdout=subprocess.PIPE, text=True, env=env, cwd=tmp_path) as process:
        try:
            yield process, f"http://127.0.0.1:{port}", begun
        finally:
            process.kill()


def test_it_is_healthy_within_seconds_answers_the_largest_body_and_ends_in_time(container, until):
    process, url, begun = container

    def healthy():
        try:
            return httpx.get(f"{url}/ping").status_code == 200
        except httpx.ConnectError:
            return False

    until(healthy)
    assert time.monotonic() - begun < 60  # SageMaker waits for minutes
    named = {"X-Amzn-SageMaker-Inference-Id": "order-7", "Content-Type": "application/json"}
    body = json.dumps({"instances": [ROW]}).encode()
    largest = httpx.post(f"{url}/invocations", content=body.ljust(MOST), headers=named, timeout=60)
    assert largest.status_code == 200, largest.text
    (one,) = largest.json()["predictions"]
    assert one["id"] == "order-7"
    assert httpx.post(f"{url}/invocations", content=body.ljust(MOST + 1), headers=named, timeout=60).status_code == 413
    assert httpx.get(f"{url}/readyz").json()["platform"] == "sagemaker"
    assert httpx.post(f"{url}/v1/labels", json={"labels": []}).status_code == 401
    os.kill(process.pid, signal.SIGTERM)
    begun = time.monotonic()
    assert process.wait(30) == 0
    assert time.monotonic() - begun < 30  # then SageMaker kills
    assert "order-7" in {json.loads(line)["id"] for line in process.stdout if line.startswith("{")}
