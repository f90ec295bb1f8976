"""`keepfit demo` in a pipe, and interrupted; what it goes through is in test_slice.py."""

from __future__ import annotations

import contextlib
import signal
import subprocess


def stopped(process):
    """Press Ctrl-C; a library that is at work may take one for itself, and a person presses it again."""
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)
    return process.returncode is not None


def test_in_a_pipe_it_is_plain_lines_and_ctrl_c_ends_it_cleanly(started, until, tmp_path):
    process = started("demo", tmp_path / "new")
    first = process.stdout.readline()
    assert first.startswith("Every fifth flight that left New York in 2013")
    until(lambda: stopped(process))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in err
    assert not [character for character in first + out + err if ord(character) < 32 and character != "\n"]
    assert {path.name for path in (tmp_path / "new").iterdir()} >= {"keepfit.toml", "flights.parquet"}


def test_a_folder_that_holds_something_is_left_alone(keepfit, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    done = keepfit("demo", tmp_path)
    assert done.returncode == 3
    assert "KF131" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
