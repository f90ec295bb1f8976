"""What the how-to page shows of other protocols holds on a running server."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECTIONS = ("Answer clients of MLflow, KServe or Triton", "Run as a container of SageMaker, Vertex AI or Azure ML")
HOST = "http://127.0.0.1:8080"


def commands():
    page = (ROOT / "docs" / "how-to.md").read_text(encoding="utf-8")
    text = "".join(page.split(f"\n## {name}\n")[1].split("\n## ")[0] for name in SECTIONS)
    blocks = re.findall(r"^```\n(curl .*?)^```", text, re.S | re.M)
    return blocks + re.findall(r"`(curl [^`\n]+)`", text)


@pytest.fixture(scope="module")
def url():
    release = ROOT / "tests" / "golden" / "releases" / "v1-trees"
    command = [sys.executable, "-m", "keepfit", "serve", "--release", str(release), "--port", "0", "--json"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("KEEPFIT_", "AIP_", "AZUREML_", "SAGEMAKER_"))}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=plain) as process:
        yield json.loads(process.stdout.readline())["url"]
        process.terminate()


def test_every_curl_line_of_a_protocol_is_answered(url):
    found = commands()
    assert len(found) == 8
    scores = set()
    for command in found:
        words = shlex.split(command.replace(HOST, url))
        done = subprocess.run([*words, "--fail-with-body"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
        said = json.loads(done.stdout)
        if "predictions" in said:
            scores.add(said["predictions"][0]["score"])
        elif "model_name" in said:
            scores.update(*(output["data"] for output in said["outputs"] if output["name"] == "score"))
    assert len(scores) == 1  # the same row in every form
