"""The README begins with the two commands of a newcomer, and what it shows holds."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from keepfit import plugin
from keepfit.commands import COMMANDS
from keepfit.spec.project import ProjectSpec

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.S | re.M)


def test_the_first_block_runs_the_demo_and_the_second_the_tests():
    first, second = blocks("bash")[:2]
    assert "python3 -m venv" in first
    assert first.strip().splitlines()[-1] == "keepfit demo"
    assert "python3 -m venv" in second
    assert "--group test" in second
    assert second.strip().splitlines()[-1].startswith("pytest")


def test_the_test_group_and_the_extras_that_it_installs_are_there():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "test" in project["dependency-groups"]
    assert set(re.findall(r"\.\[([a-z]+)\]", README)) <= set(project["project"]["optional-dependencies"])


def test_the_project_file_that_it_shows_holds():
    (text,) = blocks("toml")
    spec = ProjectSpec.model_validate(tomllib.loads(text))
    for options in spec.gates.values():
        plugin.find("gates", options["kind"]).model_validate(options)


def test_it_names_no_command_that_is_not_there():
    named = set(re.findall(r"`keepfit ([a-z]+)", README)) | set(re.findall(r"^keepfit ([a-z]+)", README, re.M))
    assert named <= set(COMMANDS)


def test_the_picture_shows_the_demo():
    picture = (ROOT / "docs" / "demo.svg").read_text(encoding="utf-8")
    assert "docs/demo.svg" in README
    assert "keepfit&#160;demo" in picture
    assert len(picture) < 200_000
