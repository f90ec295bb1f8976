"""Draw `keepfit demo` as a terminal shows it at the end: python scripts/draw_demo.py docs/demo.svg"""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

WIDTH = 120


def main(target: Path, *options: str) -> None:
    """Run the demo on a terminal and draw what stands there when it is over."""
    with tempfile.TemporaryDirectory() as place:
        target.write_text(drawn(on_terminal(Path(place), *options).replace(f"{place}/", "~/")), encoding="utf-8")


def drawn(shown: str) -> str:
    """What stands on a terminal at the end: the demo's picture is drawn again and again in its place, and the last one stays."""
    before, *_, last = re.split(r"(?:\x1b\[1A|\x1b\[2K|\x1b\[\?25[lh])+", shown.replace("\r", "").replace("\x1b[?25h", ""))
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Text("$ keepfit demo", style="bold"))
    console.print(Text.from_ansi(before + last))
    picture = console.export_svg(title="keepfit demo", theme=MONOKAI)
    # Whatever monospaced font there is will do: a picture fetches nothing.
    return re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.S)


def on_terminal(place: Path, *options: str) -> str:
    """Everything that the demo writes to a terminal."""
    start = "import sys; from keepfit.commands import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", start, "demo", "keepfit-demo", *options]
    ours, theirs = pty.openpty()
    environment = os.environ | {"COLUMNS": str(WIDTH), "LINES": "40", "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    process = subprocess.Popen(command, cwd=place, env=environment, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = b""
    try:
        while data := os.read(ours, 1 << 16):
            said += data
    except OSError:  # on Linux that is how a terminal ends
        pass
    os.close(ours)
    if process.wait() != 0:
        sys.exit(said.decode(errors="replace"))
    return said.decode(errors="replace")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
