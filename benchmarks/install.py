"""What a base install brings: megabytes and packages in a fresh virtual environment.

    python benchmarks/install.py [--wheel keepfit.whl] [--json]

Without a wheel it installs this source tree. The environment itself (Python's launcher, pip) is counted
apart. It needs a package index or a cache that pip knows.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LIMIT = 600.0


def megabytes(folder: Path) -> float:
    """What the files of a folder hold, in units of a million bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) / 1e6


def packages(python: Path) -> list[str]:
    listed = subprocess.run([python, "-m", "pip", "list", "--format", "json"], check=True, capture_output=True, text=True)
    return sorted(package["name"] for package in json.loads(listed.stdout))


def measure(folder: Path, what: str) -> dict[str, Any]:
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    site = next(folder.glob("lib/python*/site-packages"))
    bare, had, there = megabytes(folder), set(packages(python)), {path.name for path in site.iterdir()}
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check", what], check=True)
    sizes = {path.name: megabytes(path) for path in site.iterdir() if path.is_dir() and path.name not in there}
    largest = dict(sorted(sizes.items(), key=lambda item: -item[1])[:8])
    subprocess.run([folder / "bin" / "keepfit", "--help"], check=True, stdout=subprocess.DEVNULL)
    brought = [name for name in packages(python) if name not in had]
    return {"megabytes": megabytes(folder) - bare, "limit": LIMIT, "packages": len(brought), "names": brought, "largest": largest}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheel", default=str(ROOT), help="what to install: a wheel, or by default this source tree")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = measure(Path(name) / "venv", options.wheel)
    if options.json:
        json.dump(found, sys.stdout, indent=1)
        print()
        return
    print(f"base install        {found['megabytes']:.0f} MB (limit {found['limit']:.0f}), {found['packages']} packages")
    for folder, size in found["largest"].items():
        print(f"  {folder:18} {size:6.1f} MB")


if __name__ == "__main__":
    main()
