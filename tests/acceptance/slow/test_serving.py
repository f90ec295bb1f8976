"""Serving where it takes longer: kills, promotions and ten thousand clients; what other programs say of it."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import polars as pl
import pytest

import keepfit as library
from keepfit import errors

ROW = {"number": 1, "when": "2024-06-03T10:00Z", "amount": 0.5, "shop": "north"}
LOST = Path(__file__).parents[3] / "benchmarks" / "serving" / "lost.py"


def workers(server):
    """The processes that answer, by the parent's children."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return [int(pid) for pid in children if b"serving.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def metric(server, name, **headers):
    for line in server.client.get("/metrics", headers=headers).text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.split()[1])
    return None


def ask_until(server, ids, stop):
    """Ask under ids of our own, each again until it is answered, as a careful client does; give the answers by id."""
    answers = {}
    for name in ids:
        if stop():
            break
        while name not in answers:
            try:
                answer = httpx.post(f"{server.url}/v1/predict", json={"rows": [ROW], "ids": [name]}, timeout=30)
            except httpx.TransportError:
                continue
            assert answer.status_code == 200, answer.text
            answers[name] = answer.json()
    return answers


def test_a_worker_that_is_killed_is_replaced_and_no_answer_is_lost_or_doubled(champion, serve, until):
    with serve(champion, "--workers", "2") as server:
        first = workers(server)
        assert len(first) == 2
        done = []
        with ThreadPoolExecutor(3) as clients:
            asked = [clients.submit(ask_until, server, [f"{c}-{n}" for n in range(100_000)], lambda: bool(done)) for c in range(3)]
            until(lambda: (metric(server, "keepfit_logged_total") or 0) > 50)
            for pid in first:
                os.kill(pid, signal.SIGKILL)
                until(lambda pid=pid: len(workers(server)) == 2 and pid not in workers(server) and metric(server, "keepfit_workers") == 2)
            done.append(True)
            answered = {name: answer for one in asked for name, answer in one.result().items()}
        assert metric(server, "keepfit_worker_starts_total") == 4
        assert metric(server, "keepfit_logged_total") >= len(answered)
    kept = library.open(champion).predictions()
    assert sorted(kept["id"]) == sorted(answered)


def test_workers_end_when_their_parent_is_killed(champion, serve, until):
    with serve(champion) as server:
        (worker,) = workers(server)
        assert server.post("/v1/predict", {"rows": [ROW]}).status_code == 200
        os.kill(server.process.pid, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{worker}").exists())
    assert list((champion / ".keepfit" / "segments" / "open").iterdir()) == []


def test_private_columns_go_to_a_file_of_their_own_that_only_the_owner_reads(project, keepfit, serve, table):
    rows = table(63).with_columns(member=pl.lit("anna"), gender=pl.lit("f"))
    folder = project(rows=rows, edit=("[model]", "[columns]\nmember = { subject = true }\ngender = { protected = true }\n\n[model]"))
    assert keepfit("run", "-C", folder, "--now", "2024-03-04T00:00Z").returncode == 0
    with serve(folder) as server:
        assert server.post("/v1/predict", {"rows": [{**ROW, "member": "berta", "gender": "x"}]}).status_code == 200
        (segment,) = (folder / ".keepfit/segments/open").glob("predictions-*.seg")
        assert segment.stat().st_mode & 0o777 == 0o600
        assert b"berta" not in segment.read_bytes()
    assert keepfit("watch", "-C", folder, "--now", "2024-07-04T00:00Z").returncode == 2  # there is no label to judge by
    (private,) = (folder / ".keepfit/tables/predictions").glob("*.private.parquet")
    assert private.stat().st_mode & 0o777 == 0o600
    assert pl.read_parquet(private)["gender"].to_list() == ["x"]


def test_nothing_is_lost_or_doubled_by_kills_and_promotions_under_load(variables):
    command = [sys.executable, str(LOST), "--kills", "10", "--promotions", "10", "--clients", "3", "--seed", "7", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    faults = ("lost predictions", "doubled predictions", "lost labels", "doubled labels", "mixed", "failed")
    for what, found in json.loads(done.stdout).items():
        assert found["answers"] > 50, what
        assert {name: found[name] for name in faults} == dict.fromkeys(faults, 0), what
        assert found.get("slowest promotion, s", 0) < 2


def test_a_retry_reaches_another_worker_and_the_table_holds_the_first_answer(champion, serve):
    with serve(champion, "--workers", "2") as server:
        said = []
        for _ in range(40):  # each on a connection of its own, so both workers are asked
            (one,) = httpx.post(f"{server.url}/v1/predict", json={"rows": [ROW], "ids": ["mine"]}).json()["predictions"]
            said.append(one)
        assert sum("replayed" not in one for one in said) <= 2
        assert {one["score"] for one in said} == {said[0]["score"]}
    assert library.open(champion).predictions()["id"].to_list() == ["mine"]


def test_ten_thousand_clients_are_held_and_answered(champion, serve):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(10_000, hard - 500)
    assert count >= 9_000, "raise the limit of open files: ulimit -Hn"
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with serve(champion, "--set", "serve.timeout=120s") as server, contextlib.ExitStack() as stack:
            host, port = server.url.removeprefix("http://").split(":")
            held = [stack.enter_context(socket.create_connection((host, int(port)), timeout=30)) for _ in range(count)]
            (worker,) = workers(server)
            for client in held[:: count // 50]:
                client.sendall(b"GET /livez HTTP/1.1\r\n\r\n")
                assert client.recv(4096).startswith(b"HTTP/1.1 200")
            assert metric(server, "keepfit_connections") >= count
            assert server.post("/v1/predict", {"rows": [ROW]}).status_code == 200
            assert resident(worker) < 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def resident(pid):
    """Megabytes that a process holds in memory."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) / 1024


def test_a_worker_is_small_and_answers_soon(champion, serve):
    begun = time.monotonic()
    with serve(champion) as server:
        assert server.post("/v1/predict", {"rows": [ROW]}).status_code == 200
        taken = time.monotonic() - begun
        (worker,) = workers(server)
        assert resident(worker) < 100
        assert taken < 10  # it is about half a second where nothing else runs


def test_what_is_exposed_is_accepted_by_prometheus(champion, serve):
    promtool = shutil.which("promtool")
    assert promtool, "install it: apt-get install prometheus"
    with serve(champion, "--workers", "2") as server:
        for body in ({"rows": [ROW]}, {"rows": [ROW | {"shop": "never seen"}]}, {"rows": [{}]}):
            server.post("/v1/predict", body)
        exposed = server.client.get("/metrics")
        assert exposed.headers["content-type"].startswith("text/plain; version=0.0.4")
    done = subprocess.run([promtool, "check", "metrics"], input=exposed.text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_over_tls_a_client_that_knows_the_certificate_is_answered(champion, serve, tmp_path, keepfit):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*make, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    trusting = ssl.create_default_context(cafile=str(certificate))
    with serve(champion, "--tls-cert", certificate, "--tls-key", key) as server:
        assert server.url.startswith("https://")
        with httpx.Client(verify=trusting, base_url=server.url) as client:
            assert client.post("/v1/predict", json={"rows": [ROW]}).status_code == 200
            assert client.post("/v1/predict", content=b" " * 7_000_000, headers={"content-type": "application/json"}).status_code == 413
        with library.Client(server.url, verify=str(certificate)) as client:
            assert client.release().id == "r1"
        with library.Client(server.url) as client, pytest.raises(errors.NoAnswer, match="not trusted"):
            client.release()
        with pytest.raises(httpx.TransportError):
            httpx.get(server.url.replace("https", "http") + "/livez")
    done = keepfit("serve", "-C", champion, "--port", "0", "--tls-cert", key, "--tls-key", certificate)
    assert (done.returncode, "certificate" in done.stderr) == (3, True), done.stderr


def test_a_ledger_that_cannot_be_read_leaves_things_as_they_are_until_it_can(champion, serve, until):
    ledger = champion / ".keepfit" / "ledger.sqlite"
    with serve(champion) as server:
        whole = ledger.read_bytes()
        for beside in champion.glob(".keepfit/ledger.sqlite-*"):
            beside.unlink()
        ledger.write_bytes(b"no database" * 1000)
        until(lambda: "ledger" in server.client.get("/readyz").json()["alarms"])
        assert server.post("/v1/predict", {"rows": [ROW]}).status_code == 200
        ledger.write_bytes(whole)
        until(lambda: server.client.get("/readyz").json()["alarms"] == {})
        assert server.post("/v1/predict", {"rows": [ROW]}).status_code == 200


def test_segments_are_folded_beside_the_server(champion, serve, until):
    with serve(champion) as server:
        assert server.post("/v1/predict", {"rows": [ROW], "ids": ["a"]}).status_code == 200
        (worker,) = workers(server)
        os.kill(worker, signal.SIGTERM)  # it seals what it kept; another takes its place
        until(lambda: (metric(server, "keepfit_folds_total") or 0) >= 1, within=90)
        assert metric(server, "keepfit_fold_failing") == 0
        (part,) = (champion / ".keepfit/tables/predictions").glob("*.parquet")
        assert pl.read_parquet(part)["id"].to_list() == ["a"]


def folds(server):
    """The processes that fold, by the parent's children."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return [int(pid) for pid in children if b"serving.folding" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_a_worker_that_is_killed_while_segments_are_folded_costs_nothing(champion, serve, until):
    with serve(champion) as server:
        ids = []

        def ask():
            ids.append(f"id{len(ids)}")
            assert httpx.post(f"{server.url}/v1/predict", json={"rows": [ROW], "ids": [ids[-1]]}, timeout=60).status_code == 200

        ask()
        os.kill(workers(server)[0], signal.SIGTERM)  # it seals what it kept
        (fold,) = until_some(until, lambda: folds(server))
        os.kill(fold, signal.SIGSTOP)
        try:
            (worker,) = until_some(until, lambda: workers(server))
            until(lambda: server.client.get("/livez").status_code == 200)
            ask()
            os.kill(worker, signal.SIGKILL)
            until(lambda: workers(server) not in ([], [worker]))
            ask()
        finally:
            os.kill(fold, signal.SIGCONT)
        until(lambda: (metric(server, "keepfit_folds_total") or 0) >= 1, within=90)
        assert metric(server, "keepfit_fold_failing") == 0
    assert sorted(library.open(champion).predictions()["id"]) == ids


def until_some(until, look):
    """What is found, once there is some."""
    until(lambda: look(), within=90)
    return look()
