"""`keepfit serve` as a container of a cloud."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

RELEASE = Path(__file__).parents[2] / "golden" / "releases" / "v1-trees"
ROW = {
    "order": 1001,
    "at": "2024-03-01T14:30:00+02:00",
    "shop": "Köln",
    "product": 1,
    "price": 10.1,
    "weekend": False,
    "gift": True,
}


@contextlib.contextmanager
def started(*arguments, env, cwd):
    command = [sys.executable, "-m", "keepfit", "serve", "--json", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env, cwd=cwd) as process:
        try:
            yield process, json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def is_free(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("cloud", ["vertex", "azure"])
def test_a_container_listens_where_its_environment_says_and_opens_predict_and_health_alone(cloud, variables, tmp_path):
    port, probes = free_port(), is_free(5000)
    environ = {
        "vertex": {"AIP_HTTP_PORT": str(port), "AIP_PREDICT_ROUTE": "/ask", "AIP_HEALTH_ROUTE": "/well", "AIP_STORAGE_URI": str(RELEASE)},
        "azure": {"SERVER_PORT": str(port), "AZUREML_MODEL_DIR": str(RELEASE), "WORKER_COUNT": "1"},
    }[cloud]
    health, predict, body = {"vertex": ("/well", "/ask", {"instances": [ROW]}), "azure": ("/", "/score", {"data": [ROW]})}[cloud]
    with started("--log", "stdout", env=variables | environ, cwd=tmp_path) as (process, url):
        assert url == f"http://0.0.0.0:{port}"
        here = f"http://127.0.0.1:{port}"
        assert httpx.get(here + health).status_code == 200
        if cloud == "azure" and probes:
            assert httpx.get("http://127.0.0.1:5000/").text == "Healthy"
        said = httpx.post(here + predict, json=body)
        assert said.status_code == 200, said.text
        assert json.loads(process.stdout.readline())["id"] == said.json()["predictions"][0]["id"]
        assert httpx.post(f"{here}/v1/labels", json={"labels": []}).status_code == 401
        assert httpx.get(f"{here}/metrics").status_code == 401
        assert httpx.get(f"{here}/readyz").json()["platform"] == cloud
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_options_go_before_the_environment_and_what_it_cannot_mean_is_said(variables, tmp_path):
    environ = variables | {"AIP_HTTP_PORT": "1", "AIP_STORAGE_URI": "/nowhere"}
    with started("--release", RELEASE, "--port", "0", "--host", "127.0.0.1", env=environ, cwd=tmp_path) as (_, url):
        assert url.startswith("http://127.0.0.1:")
        assert url != "http://127.0.0.1:1"
    command = [sys.executable, "-m", "keepfit", "serve", "--port", "0"]
    for wrong, code in (({"AIP_STORAGE_URI": "gs://bucket/model"}, "KF131"), ({"AZUREML_MODEL_DIR": str(tmp_path)}, "KF402")):
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables | wrong, cwd=tmp_path, timeout=60)
        assert done.returncode in (3, 4)
        assert code in done.stderr
        assert "fix:" in done.stderr
