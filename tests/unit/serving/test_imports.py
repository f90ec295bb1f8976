from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

RELEASES = Path(__file__).parents[2] / "golden" / "releases"
SERVE = """
import json, sys
from pathlib import Path
from keepfit.serving import worker
from keepfit.serving.served import Served
from keepfit.workspace import column_kinds

folder = Path(sys.argv[1])
served = Served(folder, column_kinds())
served.answer(json.loads(folder.with_suffix(".answers.json").read_text(encoding="utf-8"))[0]["row"])
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.mark.parametrize("release", ["v1-linear", "v1-trees"])
def test_a_server_imports_no_training_library(release):
    done = subprocess.run([sys.executable, "-c", SERVE, str(RELEASES / release)], check=True, capture_output=True, text=True)
    heavy = {"polars", "sklearn", "lightgbm", "scipy", "pandas", "optuna", "sqlalchemy", "httpx", "rich"}
    assert heavy & set(json.loads(done.stdout)) == set()
