"""A search that is stopped by Ctrl-C keeps what it has."""

from __future__ import annotations

import json
import signal

NOW = "2024-03-04T00:00Z"


def test_a_search_stopped_by_ctrl_c_goes_on_from_what_it_has(project, started, keepfit, until):
    folder = project(edit=("trials = 0", "trials = 40"))
    running = started("run", "-C", folder, "--now", NOW)
    journals = folder / ".keepfit" / "run"

    def trials():
        return next(iter(sorted(journals.glob("search-*.jsonl"))), None)

    until(lambda: trials() is not None and trials().read_bytes().count(b"\n") >= 2)
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=60)[1]
    assert running.returncode == 130, said
    assert "search" in said
    kept = trials().read_bytes()
    assert kept.endswith(b"\n")

    done = keepfit("run", "-C", folder, "--now", NOW, "--json")
    assert done.returncode == 0, done.stderr
    whole = trials().read_bytes()
    assert whole.startswith(kept)  # nothing was tried twice
    made = json.loads(done.stdout)["candidate"]
    assert made["trials"] == whole.count(b"\n") == 40 > kept.count(b"\n")
