"""Folding beside a server: a short-lived process turns sealed segments into tables; it alone needs the library of tables.

python -m keepfit.serving.folding '{"folder": …, "env": …, "options": …}'
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from keepfit.errors import KeepfitError
from keepfit.loop.fold import Folded, fold
from keepfit.workspace import Workspace

__all__ = ["Folding", "main"]

#: Seconds between two looks at the segments.
EVERY = 30.0
#: Seconds that one fold may take.
LONGEST = 600.0


class Folding:
    """Starts a fold whenever sealed segments wait, one at a time."""

    def __init__(self, ws: Workspace) -> None:
        self._sealed = ws.segments / "sealed"
        asked = {"folder": str(ws.folder), "env": ws.env, "options": dict(ws.options or {})}
        self._command = [sys.executable, "-P", "-m", "keepfit.serving.folding", msgspec.json.encode(asked).decode()]
        self._process: subprocess.Popen[bytes] | None = None
        self._begun = 0.0
        self._due = 0.0

    def look(self, now: float) -> Folded | str | None:
        """Start what is due; what a fold that ended did, or why it failed.

        Parameters
        ----------
        now : of a clock that only goes on, in seconds
        """
        if self._process is not None:
            if self._process.poll() is None:
                if now - self._begun > LONGEST:
                    self._process.kill()
                return None
            return self._ended(self._process)
        if now >= self._due:
            self._due = now + EVERY
            if any(self._sealed.glob("*.seg")):
                self._begun = now
                self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return None

    def _ended(self, process: subprocess.Popen[bytes]) -> Folded | str:
        self._process = None
        said, complaint = process.communicate()
        if process.returncode == 0:
            return msgspec.json.decode(said, type=Folded)
        lines = complaint.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"the fold ended with {process.returncode}"

    def stop(self) -> None:
        """End a fold that is under way: it is done again later."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def main(asked: str) -> int:
    """Fold once, and print what was done."""
    os.nice(10)
    given = msgspec.json.decode(asked)
    try:
        ws = Workspace(Path(given["folder"]), env=given["env"], options=given["options"])
        done = fold(ws)
        ws.close()
    except KeepfitError as error:
        sys.stderr.write(f"{error.code}: {error.message}\n")
        return error.exit_code
    sys.stdout.write(msgspec.json.encode(done).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
