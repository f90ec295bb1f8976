"""The snippets of the document run as they stand."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("language", ["Shell", "Python"])
def test_a_snippet_runs_as_it_stands(asked, language, variables):
    paths = asked.client.get("/openapi.json").json()["paths"]
    for path, shown in (("/v1/predict", "prediction"), ("/v1/labels", "accepted")):
        (source,) = [one["source"] for one in paths[path]["post"]["x-codeSamples"] if one["lang"] == language]
        command = [sys.executable, "-c"] if language == "Python" else ["bash", "-euc"]
        source = source.replace("http://127.0.0.1:8080", asked.url)
        done = subprocess.run([*command, source], capture_output=True, text=True, env=variables, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        if language == "Shell":
            assert f'"{shown}"' in done.stdout
        elif path == "/v1/predict":
            assert done.stdout.startswith(("True {'score': ", "False {'score': "))
