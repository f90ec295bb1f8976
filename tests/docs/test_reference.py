"""The documentation is complete, and lists only what is there."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
import re
import tomllib
from pathlib import Path

import click
import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

import keepfit
from keepfit import errors, plugin
from keepfit.commands import COMMANDS
from keepfit.commands.shared import options
from keepfit.serving.app import App
from keepfit.serving.duty import Limits, Orders
from keepfit.serving.log import NoLog
from keepfit.spec.project import ProjectSpec

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SEAMS = {name.removeprefix("keepfit.") for name in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]}


def page(name):
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def section(name, heading):
    return page(name).split(f"\n## {heading}\n")[1].split("\n## ")[0]


def headings(text, level):
    return re.findall(rf"^{'#' * level} (.+)$", text, re.M)


def quoted(text):
    return set(re.findall(r"`([^`]+)`", text))


def rows(text, heading):
    """The table whose first heading this is: first cell -> the others, without their backquotes."""
    table = text.split(f"\n| {heading} |")[1].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]
    return {first.strip("` "): rest for first, *rest in cells}


def commands():
    """Every command, subcommands as `ledger verify`."""
    for name in COMMANDS:
        command = importlib.import_module(f"keepfit.commands.{name.replace('-', '_')}").command
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", one) for inner, one in command.commands.items())
        else:
            yield name, command


def option_names(command):
    return {name for option in command.params if isinstance(option, click.Option) for name in option.opts if name.startswith("--")}


def shared_options():
    return option_names(click.command()(options(lambda given: None)))


def keys(spec, path=()):
    """Every key of the project file with its field: `problem.name`, `columns.<column>.known`, …"""
    for attribute, field in spec.model_fields.items():
        name = field.alias or attribute
        kinds = (field.annotation, *getattr(field.annotation, "__args__", ()))
        inner = [kind for kind in kinds if inspect.isclass(kind) and issubclass(kind, BaseModel)]
        is_table = getattr(field.annotation, "__origin__", None) is dict
        if inner:
            yield from keys(inner[0], (*path, name, *(("<column>",) if is_table else ())))
        elif not is_table:
            yield ".".join((*path, name)), field


def default(field):
    """A key's default as the reference writes it."""
    if field.default is PydanticUndefined:
        return "required"
    if field.default is None:
        return "none"
    plain = list(field.default) if isinstance(field.default, tuple) else field.default
    return f"`{json.dumps(plain if isinstance(plain, (list, str, bool, int, float)) else str(plain))}`"


def modules():
    for found in pkgutil.walk_packages(keepfit.__path__, "keepfit."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def records():
    """Every record that is stored or printed, with its version."""
    for module in modules():
        for one in vars(module).values():
            if inspect.isclass(one) and isinstance(vars(one).get("record"), str):
                yield one.record, one.version


def source_of_all():
    return {path: path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py")}


def test_every_command_and_option_is_in_the_reference_and_no_other():
    documented = {name.strip("`").removeprefix("keepfit ") for name in headings(page("reference"), 3) if name.startswith("`keepfit ")}
    there = dict(commands())
    assert documented == set(there)
    for name, command in there.items():
        text = page("reference").split(f"### `keepfit {name}`\n")[1].split("\n#")[0]
        assert set(re.findall(r"--[a-z][a-z-]+", text)) == option_names(command) - shared_options(), name
        arguments = [param.make_metavar(click.Context(command)) for param in command.params if isinstance(param, click.Argument)]
        assert f"```\n{' '.join(['keepfit', name, *arguments])}\n```" in text, name


def test_the_options_of_every_command_are_in_the_reference_and_no_other():
    text = section("reference", "Commands").split("\n###")[0]
    assert set(re.findall(r"--[a-z]+", text)) - {"--help"} == shared_options()


def test_every_exit_status_is_in_the_reference_and_no_other():
    documented = {int(status) for status in rows(page("reference"), "exit status")}
    of_errors = {one.exit_code for one in vars(errors).values() if inspect.isclass(one) and issubclass(one, errors.KeepfitError)}
    assert documented == of_errors | {0, 1, 2, 130}


def test_every_variable_of_the_environment_is_in_the_reference_and_no_other():
    read = {name for text in source_of_all().values() for name in re.findall(r"""environ(?:\.get\(|\[)['"](KEEPFIT_[A-Z_]+)""", text)}
    assert set(rows(page("reference"), "variable")) - {"KEEPFIT_SECTION__KEY"} == read


def test_every_key_of_the_project_file_is_in_the_reference_with_its_default_and_no_other():
    documented = rows(section("reference", "The project file"), "key")
    there = dict(keys(ProjectSpec))
    assert set(documented) == set(there)
    for name, field in there.items():
        assert documented[name][0] == default(field), name


def test_every_gate_is_in_the_reference_with_its_options_and_no_other():
    documented = rows(section("reference", "The project file"), "kind")
    assert set(documented) == set(plugin.kinds("gates"))
    for kind, (given, _) in documented.items():
        assert quoted(given) == set(plugin.find("gates", kind).model_fields) - {"kind"}, kind


def test_every_task_and_metric_is_in_the_reference_and_no_other():
    documented = rows(page("reference"), "task")
    assert set(documented) == set(plugin.kinds("tasks"))
    for kind, (metrics,) in documented.items():
        assert quoted(metrics) == set(plugin.find("tasks", kind)().metrics), kind


def test_the_worth_of_every_task_s_decisions_is_in_the_reference_and_no_other():
    documented = rows(page("reference"), "worth for")
    assert set(documented) == set(plugin.kinds("tasks"))
    for kind, (names,) in documented.items():
        assert quoted(names) == set(plugin.find("tasks", kind)().worth), kind


@pytest.mark.parametrize("seam", sorted(SEAMS - {"gates", "tasks"}))
def test_every_kind_of_a_seam_is_in_the_reference_and_no_other(seam):
    (listed,) = rows(page("reference"), "seam")[seam]
    assert quoted(listed) - {"data.source"} == set(plugin.kinds(seam))


def test_every_kind_of_column_is_explained():
    assert set(rows(page("reference"), "column kind")) == set(plugin.kinds("columns"))


def test_every_route_is_in_the_reference_and_no_other():
    routes = {(route.method, route.path) for route in App(Orders("", ""), log=NoLog()).routes}
    text = section("reference", "HTTP")
    documented = {(verb, path) for verb, path in re.findall(r"`(GET|POST) (/[A-Za-z0-9/{}:.]*)", text)}
    assert documented == routes
    assert f"{Limits().most_rows:,} rows and {Limits().most_bytes:,} bytes" in text


def test_every_record_is_in_the_reference_with_its_version_and_no_other():
    documented = {}
    for names, (version, _) in rows(section("reference", "Records"), "record").items():
        documented |= dict.fromkeys(re.findall(r"[a-z-]+", names), int(version))
    assert documented == dict(records())


def test_every_kind_of_entry_is_in_the_reference_and_no_other():
    appended = {kind for text in source_of_all().values() for kind in re.findall(r"""ws\.append(?:_all)?\(\s*"([a-z]+)\"""", text)}
    listed = re.search(r"Kinds of entries: ([^.]+)\.", section("reference", "Records"))[1]
    assert quoted(listed) == appended


def messages():
    """Code -> a pattern for each message that the program says under it, as far as it is written as a literal."""
    of_class = {one.__name__: one.code for one in vars(errors).values() if inspect.isclass(one) and issubclass(one, errors.KeepfitError)}
    found = {}
    for text in source_of_all().values():
        tree = ast.parse(text)
        assigned = [(node.targets[0], node.value) for node in ast.walk(tree) if isinstance(node, ast.Assign)]
        for node in ast.walk(tree):
            called = getattr(getattr(node, "func", None), "attr", getattr(getattr(node, "func", None), "id", None))
            if isinstance(node, ast.Call) and called in of_class and node.args:
                first = node.args[0]
                name = getattr(first, "id", None)
                said = [value for target, value in assigned if name and getattr(target, "id", None) == name]
                found.setdefault(of_class[called], []).extend(map(pattern, said or [first]))
    return found


def pattern(node):
    if isinstance(node, ast.Constant):
        return re.escape(str(node.value))
    if isinstance(node, ast.JoinedStr):
        return "".join(re.escape(part.value) if isinstance(part, ast.Constant) else ".+" for part in node.values)
    return ".+"


def test_every_error_has_its_place_and_no_other():
    there = {
        one.code: one
        for one in vars(errors).values()
        if inspect.isclass(one) and issubclass(one, errors.KeepfitError) and one is not errors.KeepfitError
    }
    assert headings(page("errors"), 3) == sorted(there)
    said = messages()
    for code, one in there.items():
        text = page("errors").split(f"### {code}\n")[1].split("\n#")[0]
        meaning, *rest = text.strip().split("\n\n")
        assert meaning == f"{inspect.getdoc(one)} Exit status {one.exit_code}."
        assert len(rest[-1].split()) >= 5, f"{code}: what to do"
        if one in (errors.UsageFault, errors.StoreFault):
            continue
        shown = rest[0].strip("`\n").splitlines()
        if one is errors.Faults:
            assert re.fullmatch(r"\d+ faults in .+", shown[0])
            continue
        assert shown[0].startswith(f"{code}: "), f"{code}: an example"
        assert any(re.fullmatch(form, shown[0].removeprefix(f"{code}: ")) for form in said[code]), f"{code}: nothing says {shown[0]}"


def test_the_glossary_has_every_concept_and_no_word_that_the_program_does_not_use():
    words = rows(page("glossary"), "word")
    assert list(words) == sorted(words)
    layers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    concepts = next(layer for layer in layers if "snapshot : " in layer).split(" : ")
    # `features` holds the plan, `chain` and `export` belong to the ledger, `incident` says which action is due.
    named = {"features": "plan", "chain": "ledger", "export": "ledger", "incident": "action", "hints": "proposal"}
    assert {named.get(concept, concept) for concept in concepts} <= set(words)
    program = "\n".join(source_of_all().values()).lower()
    assert [word for word in words if not re.search(rf"\b{word}", program)] == []


def test_every_command_line_on_a_page_is_one_that_the_program_takes():
    there = dict(commands())
    for path in [*ROOT.glob("*.md"), *DOCS.glob("*.md")]:
        for line in re.findall(r"(?:^|`|\$ |&& )keepfit ([a-z][^`\n&;]*)", path.read_text(encoding="utf-8"), re.M):
            words = line.split(" -- ")[0].split()  # what stands behind it goes to another command
            name = words[0] if words[0] in there else " ".join(words[:2])
            assert name in there, f"{path.name}: keepfit {line}"
            given = {word.split("=")[0] for word in words if re.match("--[a-z]", word)}
            assert given <= option_names(there[name]) | shared_options(), f"{path.name}: keepfit {line}"


def test_links_lead_to_pages_that_are_there():
    for path in [*ROOT.glob("*.md"), *DOCS.glob("*.md")]:
        for link in re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8")):
            assert link.startswith("https://") or (path.parent / link).exists(), f"{path.name}: {link}"
