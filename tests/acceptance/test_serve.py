"""`keepfit serve` as processes: workers come and go, roles and keys follow the ledger, nothing is lost."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import httpx
import pytest

import keepfit as library

ROW = {"number": 1, "when": "2024-06-03T10:00Z", "amount": 0.5, "shop": "north"}


def test_a_server_that_is_told_to_end_ends_with_0_and_seals_what_it_kept(champion, serve):
    with serve(champion, "--workers", "2") as server:
        for _ in range(20):
            assert httpx.post(f"{server.url}/v1/predict", json={"rows": [ROW]}).status_code == 200
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=60) == 0
    segments = champion / ".keepfit" / "segments"
    assert list((segments / "open").iterdir()) == []
    assert list((segments / "sealed").glob("predictions-*.seg"))
    assert library.open(champion).predictions().height == 20


def test_one_process_without_a_parent_follows_the_ledger_too(champion, serve, keepfit, until):
    with serve(champion, "--workers", "0") as server:
        assert server.post("/v1/predict", {"rows": [ROW]}).status_code == 200
        done = keepfit("run", "-C", champion, "--now", "2024-03-04T12:00Z", "--set", "model.seed=7")
        assert done.returncode == 0, done.stderr
        assert until(lambda: server.client.get("/v1/release").json()["id"] == "r2") < 2
        assert keepfit("rollback", "-C", champion, "--because", "the test says so").returncode == 0
        assert until(lambda: server.client.get("/v1/release").json()["id"] == "r1") < 2
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=60) == 0
    assert library.open(champion).predictions().height == 1


def test_a_folder_alone_is_served_and_may_be_logged_to_standard_output(finished_run, tmp_path, variables):
    command = [sys.executable, "-m", "keepfit", "serve", "--release", str(finished_run / ".keepfit/releases/r1"), "--port", "0", "--json"]
    with subprocess.Popen([*command, "--log", "stdout"], stdout=subprocess.PIPE, text=True, env=variables, cwd=tmp_path) as process:
        url = json.loads(process.stdout.readline())["url"]
        assert httpx.get(f"{url}/readyz").json()["log"] == "stdout"
        said = httpx.post(f"{url}/v1/projects/small/predict", json={"rows": [ROW]}).json()
        assert json.loads(process.stdout.readline())["id"] == said["predictions"][0]["id"]
        process.terminate()
        assert process.wait(60) == 0
    assert list(tmp_path.iterdir()) == []


def test_beyond_this_machine_a_key_is_needed_and_a_revoked_one_opens_nothing_on_an_open_connection(champion, serve, keepfit, until):
    refused = keepfit("serve", "-C", champion, "--host", "0.0.0.0", "--port", "0")
    assert (refused.returncode, "KF410" in refused.stderr) == (3, True)
    made = json.loads(keepfit("key", "create", "-C", champion, "--scope", "predict", "--name", "desk", "--json").stdout)
    with serve(champion, "--host", "0.0.0.0") as server:
        server.client.base_url = server.url.replace("0.0.0.0", "127.0.0.1")
        assert server.post("/v1/predict", {"rows": [ROW]}).status_code == 401
        server.client.headers["Authorization"] = f"Bearer {made['secret']}"
        assert server.post("/v1/predict", {"rows": [ROW]}).status_code == 200
        assert server.post("/v1/labels", {"labels": [{"prediction": "x", "value": True}]}).status_code == 403
        assert keepfit("key", "revoke", made["id"], "-C", champion).returncode == 0
        assert until(lambda: server.post("/v1/predict", {"rows": [ROW]}).status_code == 401) < 2
        assert server.client.get("/livez").status_code == 200
    listed = keepfit("key", "list", "-C", champion)
    assert "revoked" in listed.stdout
    whole = b"".join(path.read_bytes() for path in champion.rglob("*") if path.is_file()) + listed.stdout.encode()
    assert made["secret"].encode() not in whole


@pytest.mark.parametrize("wrong", [("--tls-cert", "keepfit.toml"), ("--release", "nothing-here"), ("--log", "segments", "--release", ".")])
def test_what_cannot_be_served_is_said(champion, keepfit, wrong):
    done = keepfit("serve", "-C", champion, "--port", "0", *wrong, cwd=champion)
    assert done.returncode in (3, 4)
    assert "Traceback" not in done.stderr
    assert "fix:" in done.stderr


def test_a_port_that_is_taken_is_said(champion, serve, keepfit):
    with serve(champion) as server:
        done = keepfit("serve", "-C", champion, "--port", server.url.rpartition(":")[2])
    assert (done.returncode, "KF404" in done.stderr) == (4, True)
