"""The schema: a table's columns, their kinds, and what each is for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from keepfit import errors
from keepfit.column import Kinds, Seen

__all__ = ["Column", "Dtype", "Schema", "Use", "changes", "differences", "infer"]

#: The stored types. Instants are microseconds in UTC.
Dtype: TypeAlias = Literal["int", "float", "float32", "bool", "text", "instant"]
#: What a column is for. `personal` is one that the owner chose to keep; others are dropped when data is taken.
#: `added` is one that the owner's function makes of the others, in a table and in a request alike.
Use: TypeAlias = Literal["feature", "target", "time", "key", "subject", "protected", "personal", "later", "added"]

#: Uses that keep a column out of the part that fitting reads.
PRIVATE: frozenset[Use] = frozenset({"subject", "protected", "personal"})


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, kind, stored type, uses, and whether rows may lack it."""

    name: str
    kind: str
    dtype: Dtype
    uses: tuple[Use, ...]
    nullable: bool

    @property
    def private(self) -> bool:
        return not PRIVATE.isdisjoint(self.uses)


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a project's table, in the order of the source.

    `dropped` names the columns that are not taken at all: ignored ones, and personal ones not kept. `added` is the
    digest of what the owner's function adds, where there is one.
    """

    record: ClassVar[str] = "schema"
    version: ClassVar[int] = 1

    columns: tuple[Column, ...]
    target: str
    time: str | None
    key: tuple[str, ...]
    dropped: tuple[str, ...] = ()
    added: str | None = None

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def used(self, use: Use) -> list[Column]:
        """The columns with a use."""
        return [column for column in self.columns if use in column.uses]

    @property
    def features(self) -> list[Column]:
        return self.used("feature")

    @property
    def public(self) -> list[Column]:
        """The columns that fitting may read."""
        return [column for column in self.columns if not column.private]

    @property
    def private(self) -> list[Column]:
        """The columns that are kept apart."""
        return [column for column in self.columns if column.private]


@dataclass(frozen=True, slots=True)
class Declared:
    """What the owner says about one column beyond what can be inferred."""

    kind: str | None = None
    uses: tuple[Use, ...] = ()
    dropped: bool = False


def infer(
    dtypes: Mapping[str, Dtype],
    nullable: Mapping[str, bool],
    kinds: Kinds,
    *,
    target: str,
    time: str | None,
    key: tuple[str, ...],
    declared: Mapping[str, Declared],
    seen: Mapping[str, Seen] | None = None,
    before: Schema | None = None,
) -> Schema:
    """The schema of a table: inferred kinds, and the uses that the project file states.

    `seen` says of text columns what their values look like. What a text column was `before` it stays: shares
    change as a table grows.

    Raises
    ------
    Faults
        Columns that the project file names and the table lacks, kinds that are not known.
    """
    found: list[errors.KeepfitError] = []
    named = {"problem.target": [target], "problem.time": [time] if time else [], "problem.key": list(key)}
    # What was there once may be gone for good when the owner lets it go.
    were = {column.name for column in before.columns} | set(before.dropped) if before else set()
    gone = {name for name, said in declared.items() if said.dropped and name not in dtypes and name in were}
    named |= {f"columns.{name}": [name] for name in declared if name not in gone}
    for place, names in named.items():
        found += [
            errors.UnknownColumn(f"no column '{name}' in the data", at=f"keepfit.toml: {place}", fix=errors.near_match(name, dtypes))
            for name in names
            if name not in dtypes
        ]
    columns: list[Column] = []
    kept = {column.name: column.kind for column in before.columns if column.dtype == "text"} if before else {}
    for name, dtype in dtypes.items():
        said = declared.get(name, Declared())
        if said.dropped:
            continue
        kind = said.kind or (kept.get(name) if dtype == "text" else None) or _claimed(dtype, (seen or {}).get(name), kinds)
        if kind not in kinds:
            fix = errors.near_match(kind, kinds)
            found.append(errors.UnknownKind(f"no column kind '{kind}'", at=f"keepfit.toml: columns.{name}.kind", fix=fix))
        elif said.kind and dtype not in kinds[kind].dtypes:
            fix = f"one of {', '.join(sorted(k for k, v in kinds.items() if dtype in v.dtypes))}, or store the column as another type"
            message = f"column '{name}' holds values of type {dtype} and cannot be of kind '{kind}'"
            found.append(errors.WrongValue(message, at=f"keepfit.toml: columns.{name}.kind", fix=fix))
        uses = list(said.uses)
        uses += ["target"] if name == target else []
        uses += ["time"] if name == time else []
        uses += ["key"] if name in key else []
        # An instant that no one named is not a feature until it is known to lie before the decision.
        # A number in the key counts rows rather than measuring them, unless the owner says what it is.
        known_before = name == time or dtype != "instant"
        counts = name in key and kind == "number" and said.kind is None
        if not said.uses and name != target and known_before and not counts:
            uses.append("feature")
        columns.append(Column(name, kind, dtype, tuple(uses), nullable[name]))
    if found:
        raise errors.Faults(found, at="keepfit.toml")
    dropped = [name for name in dtypes if declared.get(name, Declared()).dropped]
    return Schema(tuple(columns), target, time, key, (*dropped, *sorted(gone)))


def _claimed(dtype: Dtype, seen: Seen | None, kinds: Kinds) -> str:
    return next((name for name, kind in kinds.items() if kind.claims(dtype, seen)), "category")


def changes(old: Schema, new: Schema, said: Collection[str] = ()) -> list[errors.KeepfitError]:
    """What stands between two schemas of one source: columns that vanished or changed their type.

    `said` are the columns of which the owner says what they are, or that they are ignored.
    """
    found: list[errors.KeepfitError] = []
    now = {column.name: column for column in new.columns}
    for column in old.columns:
        at = f"column {column.name}"
        if column.name in said or "added" in column.uses:
            continue
        if column.name not in now:
            fix = f"restore it in the source, or let it go: {column.name} = {{ ignore = true }} in [columns]"
            found.append(errors.SchemaBroken(f"column '{column.name}' is gone from the source", at=at, fix=fix))
        elif now[column.name].dtype != column.dtype:
            was, is_ = column.dtype, now[column.name].dtype
            fix = f'mend the source, or say what the column is: {column.name} = {{ kind = "{now[column.name].kind}" }} in [columns]'
            found.append(errors.SchemaBroken(f"column '{column.name}' held {was} and holds {is_} now", at=at, fix=fix))
    return found


def differences(old: Schema, new: Schema) -> tuple[str, ...]:
    """What changed from one schema to another, in words."""
    had, now = ({column.name: column for column in one.columns if "added" not in column.uses} for one in (old, new))
    found = [f"new column '{name}' ({column.kind}, {column.dtype})" for name, column in now.items() if name not in had]
    found += [f"column '{name}' is gone" for name in had if name not in now]
    for name in [name for name in had if name in now]:
        for what in ("kind", "dtype", "uses", "nullable"):
            was, is_ = getattr(had[name], what), getattr(now[name], what)
            if was != is_:
                found.append(f"column '{name}': {_WHAT[what]} {_shown(was)}, now {_shown(is_)}")
    return tuple(found)


_WHAT = {"kind": "of kind", "dtype": "stored as", "uses": "used as", "nullable": "missing values:"}


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "some" if value else "none"
    return " and ".join(value) or "nothing" if isinstance(value, tuple) else str(value)
