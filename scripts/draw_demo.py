"""Draw `keepfit demo` as a terminal picture: python scripts/draw_demo.py docs/demo.svg"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text


def main(target: Path) -> None:
    """Run the demo and draw what it prints."""
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-c", "import sys; from keepfit.commands import main; main(sys.argv[1:])", "demo", "keepfit-demo"]
        environment = os.environ | {"FORCE_COLOR": "1"}
        shown = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=True).stdout
        shown = shown.replace(f"{place}/", "~/")
    console = Console(record=True, width=136, file=io.StringIO())
    console.print(Text("$ keepfit demo", style="bold"))
    console.print(Text.from_ansi(shown))
    picture = console.export_svg(title="keepfit demo", theme=MONOKAI)
    # Whatever monospaced font there is will do: a picture fetches nothing.
    target.write_text(re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.S), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
