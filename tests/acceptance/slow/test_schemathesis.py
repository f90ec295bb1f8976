"""schemathesis asks a real server whatever its document allows and forbids; each answer must be one that the document names."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("keys", [False, True], ids=["open", "with keys"])
def test_nothing_that_the_document_allows_or_forbids_is_answered_otherwise(champion, serve, keepfit, variables, keys, tmp_path):
    headers = []
    if keys:
        scopes = [part for scope in ("predict", "label", "admin") for part in ("--scope", scope)]
        made = json.loads(keepfit("key", "create", "-C", champion, *scopes, "--json").stdout)
        headers = ["--header", f"Authorization: Bearer {made['secret']}"]
    with serve(champion) as server:
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json", "--seed", "1", "--no-color"]
        options = ["--max-examples", "40", "--checks", "all", "--max-response-time", "30", *headers]
        environment = variables | {"SCHEMATHESIS_HOOKS": "fitting_hooks", "PYTHONPATH": str(Path(__file__).parent)}
        done = subprocess.run([*command, *options], capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=500, check=False)
        assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
        assert "Tested: 9" in done.stdout
        assert server.client.get("/livez").status_code == 200
