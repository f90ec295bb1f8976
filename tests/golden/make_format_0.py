"""Makes `format_0.tar.gz`: a project as a copy without hidden files and rights leaves it. After 0.1.0 the file is never made again.

    python tests/golden/make_format_0.py

The newest keepfit must read it as it is, and upgrade it.
"""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import tarfile
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

OUT = Path(__file__).with_name("format_0.tar.gz")
PROJECT = """\
[problem]
name = "old"
target = "bad"
time = "when"
key = ["number"]
label_delay = "1d"

[data]
source = "rows.parquet"

[columns]
member = { subject = true }

[model]
estimators = ["linear"]
trials = 0
evaluation = "quick"

[gates]
good = { kind = "at_least", metric = "roc_auc", limit = 0.6 }
"""
NOW = "2024-02-12T00:00Z"


def rows() -> pl.DataFrame:
    draw = np.random.default_rng(7)
    count = 600
    when = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=1.5 * n) for n in range(count)]
    amount = draw.normal(size=count).round(3)
    bad = draw.random(count) < 1 / (1 + np.exp(-2 * amount))
    member = [f"m{n % 40}" for n in range(count)]
    return pl.DataFrame({"number": range(count), "when": when, "member": member, "amount": amount, "bad": bad})


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "keepfit.toml").write_text(PROJECT)
        rows().write_parquet(folder / "rows.parquet")
        rows().drop("bad").head(20).write_parquet(folder / "ask.parquet")
        for command in (["run"], ["score", "ask.parquet"]):
            subprocess.run([sys.executable, "-m", "keepfit", *command, "--now", NOW], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as tar:
            for path in sorted(folder.rglob("*")):
                inside = path.relative_to(folder)
                hidden = [part for part in inside.parts[1:] if part.startswith(".")]
                if (
                    path.is_file()
                    and not hidden
                    and path.name not in ("format", "cache.sqlite")
                    and inside.parts[:2] != (".keepfit", "run")
                ):
                    member = tar.gettarinfo(path, arcname=inside.as_posix())
                    member.mode, member.mtime, member.uid, member.gid, member.uname, member.gname = 0o644, 0, 0, 0, "", ""
                    tar.addfile(member, io.BytesIO(path.read_bytes()))
        OUT.write_bytes(gzip.compress(data.getvalue(), mtime=0))
    print(f"{OUT.name}: {OUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
