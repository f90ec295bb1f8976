"""The JSON Schema of a project file, with the options of every plugin that is installed: for editors that complete and check."""

from __future__ import annotations

import inspect
import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from keepfit import plugin
from keepfit.instant import Duration
from keepfit.spec.project import ProjectSpec

__all__ = ["json_schema"]

#: A kind that is no entry point: looked for in the project's folder and among installed packages.
_DOTTED = {"type": "string", "pattern": r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"}


#: What the comment above a key says.
_SAID = re.compile(r"((?:^    #: .*\n)+)    (\w+):", re.M)


class _Generate(GenerateJsonSchema):
    def encode_default(self, dft: Any) -> Any:
        return str(dft) if isinstance(dft, Duration) else super().encode_default(dft)


def json_schema() -> dict[str, Any]:
    """What `keepfit.toml` may hold, as JSON Schema (draft 2020-12)."""
    schema = ProjectSpec.model_json_schema(schema_generator=_Generate)
    definitions: dict[str, Any] = schema["$defs"]
    for kind in _specs(ProjectSpec):
        _describe(definitions[kind.__name__], kind)
    schema["properties"]["gates"]["additionalProperties"] = _gates(definitions)
    definitions["ProblemSpec"]["properties"]["task"] |= _kinds("tasks")
    definitions["ModelSpec"]["properties"]["estimators"]["items"] = _kinds("estimators")
    definitions["ColumnSpec"]["properties"]["kind"]["anyOf"][0] = _kinds("columns", dotted=False)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "keepfit.toml"}


def _specs(kind: type[BaseModel]) -> list[type[BaseModel]]:
    """The classes of the tables inside a table, at any depth."""
    found = []
    for field in kind.model_fields.values():
        for inner in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if inspect.isclass(inner) and issubclass(inner, BaseModel):
                found += [inner, *_specs(inner)]
    return found


def _describe(shape: dict[str, Any], kind: type[BaseModel]) -> None:
    """Give each key the words that stand above it in the class."""
    for comment, name in _SAID.findall(inspect.getsource(kind)):
        key = kind.model_fields[name].alias or name
        shape["properties"][key]["description"] = " ".join(line.strip().removeprefix("#: ") for line in comment.splitlines())


def _kinds(seam: str, *, dotted: bool = True) -> dict[str, Any]:
    listed = {"type": "string", "enum": plugin.kinds(seam)}
    return {"anyOf": [listed, _DOTTED]} if dotted else listed


def _gates(definitions: dict[str, Any]) -> dict[str, Any]:
    """A gate of one of the kinds that are installed, or of another's."""
    choices = []
    for kind in plugin.kinds("gates"):
        shape = plugin.find("gates", kind).model_json_schema(schema_generator=_Generate)
        _describe(shape, plugin.find("gates", kind))
        definitions.update(shape.pop("$defs", {}))
        shape["properties"]["kind"] = {"const": kind}
        shape["required"] = sorted({"kind", *shape.get("required", ())})
        choices.append(shape)
    other = {"type": "object", "properties": {"kind": _DOTTED}, "required": ["kind"]}
    return {"oneOf": [*choices, other]}
