"""The tutorial's commands are run as they stand on the page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"


def steps():
    """Each command of the page with the lines that it shows."""
    for block in re.findall(r"^```console\n(.*?)^```", TUTORIAL.read_text(encoding="utf-8"), re.S | re.M):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, shown = part.partition("\n")
            yield command, shown.strip()


def test_the_tutorial_s_commands_run_and_print_what_it_shows(tmp_path):
    told = list(steps())
    assert len(told) > 20
    for name, text in re.findall(r"Save this as `([a-z.]+)`:\n\n```python\n(.*?)^```", TUTORIAL.read_text(encoding="utf-8"), re.S | re.M):
        (tmp_path / name).write_text(text)
    script = ["set -euo pipefail", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"]
    for number, (command, _) in enumerate(told):
        goes_on = "&" if command.endswith("&") else ""
        script.append(f"{command.removesuffix('&')} > {tmp_path}/{number}.out {goes_on}")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    for number, (command, shown) in enumerate(told):
        printed = (tmp_path / f"{number}.out").read_text()
        assert shown in printed, command
        if "/v1/predict" in command:
            assert '"score":' in printed
    assert "is champion (was" in (tmp_path / f"{next(i for i, (c, _) in enumerate(told) if 'keepfit promote' in c)}.out").read_text()
