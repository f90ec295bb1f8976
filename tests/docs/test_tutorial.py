"""The tutorial's commands are run as they stand on the page."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")


def steps():
    """Each command of the page with the lines that it shows."""
    for block in re.findall(r"^```console\n(.*?)^```", TUTORIAL, re.S | re.M):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, shown = part.partition("\n")
            yield command, shown.strip()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_the_tutorial_s_commands_run_and_print_what_it_shows(tmp_path):
    told = list(steps())
    assert len(told) > 20
    (tmp_path / "scripts").symlink_to(ROOT / "scripts")  # the page begins in a clone
    for name, text in re.findall(r"Save this as `([a-z.]+)`[^\n]*\n\n```python\n(.*?)^```", TUTORIAL, re.S | re.M):
        (tmp_path / name).write_text(text)
    port = str(free_port())  # the page's own may be taken
    script = ["set -euo pipefail", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"]
    for number, (command, _) in enumerate(told):
        goes_on = "&" if command.endswith("&") else ""
        script.append(f"{command.removesuffix('&').replace('8099', port)} > {tmp_path}/{number}.out {goes_on}")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    printed = {command: (tmp_path / f"{number}.out").read_text() for number, (command, _) in enumerate(told)}
    for number, (command, shown) in enumerate(told):
        assert shown in (tmp_path / f"{number}.out").read_text(), command
    assert any('"score":' in text for command, text in printed.items() if "/v1/predict" in command)
    assert any("is champion (was" in text for command, text in printed.items() if "keepfit promote" in command)
    assert set(documented_files()) >= {path.name for path in (tmp_path / "flights" / ".keepfit").iterdir()}


def documented_files():
    """What the reference says lies in the folder `.keepfit`."""
    tree = REFERENCE.split("\n## Files\n")[1].split("```")[1]
    for line in re.findall(r"^  (\S.*)$", tree, re.M):
        yield from (place.split("/")[0] for place in re.split(r" {2,}", line) if re.match(r"[a-z.]+(/|$)", place))
