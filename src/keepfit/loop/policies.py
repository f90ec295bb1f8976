"""Policies to replay: those that come with the package, the project's own, and those of files."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keepfit import errors
from keepfit.policy import policy
from keepfit.replay import FRESHEST, NEVER
from keepfit.spec import toml
from keepfit.workspace import Workspace

__all__ = ["EVERY", "WRITTEN", "Rules", "of_file", "to_replay"]

#: How many windows lie between two refits of the policy by schedule.
EVERY = 4
WRITTEN = "as written"
#: The sections that a policy may change.
_SECTIONS = ("refit", "monitor", "gates")


@dataclass(frozen=True, slots=True)
class Rules:
    """A policy by name: dotted settings in place of the project's. With `at_once` every refit takes over, whatever it is worth."""

    name: str
    settings: Mapping[str, Any]
    at_once: bool = False


def _triggers(challenger: str, *on: str, every: int | None = None) -> dict[str, Any]:
    return {"refit.challenger": challenger, "refit.on": list(on), "refit.every": every}


#: The policies that need no file, the yardstick last.
_BUILT_IN = (
    Rules(NEVER, _triggers("off")),
    Rules(f"every {EVERY} windows", _triggers("off", "schedule", every=EVERY)),
    Rules("quality", _triggers("off", "quality")),
    Rules("drift", _triggers("off", "drift")),
    Rules("race", _triggers("window", "challenger")),
    Rules("race + quality", _triggers("window", "challenger", "quality")),
    Rules(FRESHEST, {**_triggers("window"), "refit.stages": []}, at_once=True),
)


def to_replay(ws: Workspace, files: Sequence[Path]) -> list[Rules]:
    """The policies of a replay: those of the files, or all that are built in; and always the project's own, and both ends.

    The project's own is left out where another says the same.

    Raises
    ------
    Faults, UnreadableProjectFile
        A file is no policy.
    """
    first, *others, last = _BUILT_IN
    chosen = [of_file(path) for path in files] if files else others
    mine = [] if any(_rules(ws, one.settings) == _rules(ws, {}) for one in [first, *chosen]) else [Rules(WRITTEN, {})]
    return _named_apart([first, *chosen, *mine, last])


def _rules(ws: Workspace, settings: Mapping[str, Any]) -> tuple[Any, ...]:
    """What the loop goes by under some settings."""
    spec = Workspace(ws.folder, env=ws.env, options={**(ws.options or {}), **settings}).spec
    return policy(spec.refit), spec.monitor.model_dump(), spec.gates


def _named_apart(found: list[Rules]) -> list[Rules]:
    seen: dict[str, int] = {}
    apart = []
    for rules in found:
        seen[rules.name] = number = seen.get(rules.name, 0) + 1
        apart.append(rules if number == 1 else Rules(f"{rules.name} ({number})", rules.settings, rules.at_once))
    return apart


def of_file(path: Path) -> Rules:
    """A policy from a TOML file that holds some of `[refit]`, `[monitor]` and `[gates]`; it is named after the file.

    Raises
    ------
    UnreadableProjectFile
        It is not there, or is no TOML.
    BadPolicy
        It holds another section, or none.
    """
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise errors.UnreadableProjectFile(f"{path.name} cannot be read: {error.strerror}", at=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise errors.UnreadableProjectFile(f"{path.name} is not TOML: {error}", at=str(path)) from error
    odd = [name for name, section in said.items() if name not in _SECTIONS or not isinstance(section, dict)]
    if odd or not said:
        found = f"it holds {', '.join(f'[{name}]' for name in odd)}" if odd else "it says nothing"
        fix = "a policy says what differs in [refit], [monitor] or [gates]; everything else is the project file's"
        raise errors.BadPolicy(f"{path.name} is no policy: {found}", at=str(path), fix=fix)
    return Rules(path.stem, dict(_flat(said)))


def _flat(said: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Sections as dotted settings; a gate is one setting, all its options together."""
    for section, keys in said.items():
        for key, value in keys.items():
            yield toml.dotted([section, key]), value
