"""The documentation is complete, and lists only what is there."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import click
import pytest
from pydantic import BaseModel

from keepfit import errors, plugin
from keepfit.commands import COMMANDS
from keepfit.spec.project import ProjectSpec
from keepfit.tasks.binary import Binary

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def page(name):
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def headings(text, level):
    return re.findall(rf"^{'#' * level} (.+)$", text, re.M)


def commands():
    """Every command, subcommands as `ledger verify`, with its own options."""
    for name in COMMANDS:
        command = importlib.import_module(f"keepfit.commands.{name.replace('-', '_')}").command
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", one) for inner, one in command.commands.items())
        else:
            yield name, command


def own_options(command):
    shared = {"--project", "--env", "--set", "--now", "--json", "--quiet"}
    return {name for option in command.params if isinstance(option, click.Option) for name in option.opts if name.startswith("--")} - shared


def keys(spec, path=()):
    """Every key of the project file: `problem.name`, `columns.<column>.known`, …"""
    for name, field in spec.model_fields.items():
        kinds = (field.annotation, *getattr(field.annotation, "__args__", ()))
        inner = [kind for kind in kinds if inspect.isclass(kind) and issubclass(kind, BaseModel)]
        is_table = getattr(field.annotation, "__origin__", None) is dict
        if inner:
            yield from keys(inner[0], (*path, name, *(("<column>",) if is_table else ())))
        elif not is_table:
            yield ".".join((*path, name))


def test_every_command_and_option_is_in_the_reference_and_no_other():
    documented = {name.strip("`").removeprefix("keepfit ") for name in headings(page("reference"), 3) if name.startswith("`keepfit ")}
    there = dict(commands())
    assert documented == set(there)
    for name, command in there.items():
        text = page("reference").split(f"### `keepfit {name}`")[1].split("\n### ")[0]
        assert own_options(command) <= set(re.findall(r"--[a-z-]+", text)), name


def test_every_key_of_the_project_file_is_in_the_reference_and_no_other():
    section = page("reference").split("## The project file")[1].split("\n## ")[0]
    documented = set(re.findall(r"^\| `([a-z_<>]+\.[a-z_<>.]+)` \|", section, re.M))
    assert documented == set(keys(ProjectSpec))


def test_every_error_has_its_place_and_no_other():
    there = {
        one.code
        for _, one in inspect.getmembers(errors, inspect.isclass)
        if issubclass(one, errors.KeepfitError) and one is not errors.KeepfitError
    }
    assert set(headings(page("errors"), 3)) == there
    for code in there:
        text = page("errors").split(f"### {code}\n")[1].split("\n#")[0]
        assert len(text.split()) > 10, code


@pytest.mark.parametrize("seam", ["gates", "estimators", "columns", "sources", "tasks"])
def test_every_kind_of_a_seam_is_in_the_reference(seam):
    text = page("reference")
    assert all(f"`{kind}`" in text for kind in plugin.kinds(seam))


def test_every_metric_is_in_the_reference():
    assert all(f"`{name}`" in page("reference") for name in Binary.metrics)


def test_the_readme_begins_with_the_two_commands_and_links_to_pages_that_are_there():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```bash\n(.*?)^```", readme, re.S | re.M)
    assert "keepfit demo" in blocks[0]
    assert "pytest" in blocks[1]
    for text, folder in ((readme, ROOT), *((path.read_text(encoding="utf-8"), DOCS) for path in DOCS.glob("*.md"))):
        for link in re.findall(r"\]\(([^)#]+)", text):
            assert link.startswith("http") or (folder / link).exists(), link


def test_the_glossary_explains_every_concept():
    words = set(re.findall(r"^\| ([a-z ]+) \|", page("glossary"), re.M))
    concepts = {"candidate", "evaluation", "gate", "label", "ledger", "prediction", "profile", "release", "schema", "segment", "snapshot"}
    assert concepts | {"split", "task", "verdict", "window", "drift", "entry", "champion", "challenger", "outcome", "plan"} <= words
