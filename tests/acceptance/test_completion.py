"""The shell completes commands, options and names: bash is really asked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: Calls the function that the printed script registers, as bash does when Tab is pressed.
ASK = """
eval "$(keepfit completion bash)"
complete -p keepfit >/dev/null || exit 9
COMP_WORDS=({words}); COMP_CWORD={last}
$(complete -p keepfit | sed 's/.*-F \\([^ ]*\\).*/\\1/') keepfit
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completed(folder, variables, *words):
    quoted = " ".join(f"'{word}'" for word in ("keepfit", *words))
    path = f"{Path(sys.executable).parent}{os.pathsep}{variables['PATH']}"
    script = ASK.format(words=quoted, last=len(words))
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=variables | {"PATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_bash_completes_commands_options_and_names_of_this_project(champion, variables):
    assert completed(champion, variables, "sta") == ["status"]
    assert completed(champion, variables, "ledger", "ver") == ["verify"]
    assert "--trials" not in completed(champion, variables, "run", "--")
    assert {"--json", "--now", "--set"} <= set(completed(champion, variables, "run", "--"))
    assert completed(champion, variables, "completion", "z") == ["zsh"]
    assert completed(champion, variables, "promote", "") == ["r1"]
    assert completed(champion, variables, "lineage", "c") == ["champion", "canary", "c1"]


def test_without_a_project_names_are_not_known_and_nothing_is_said(tmp_path, variables):
    assert completed(tmp_path, variables, "promote", "r") == []


@pytest.mark.parametrize(
    ("shell", "says"), [("bash", "complete -o"), ("zsh", "#compdef keepfit"), ("fish", "complete --no-files --command keepfit")]
)
def test_each_shell_gets_its_script(keepfit, shell, says):
    done = keepfit("completion", shell)
    assert done.returncode == 0
    assert says in done.stdout
    assert "_KEEPFIT_COMPLETE" in done.stdout
