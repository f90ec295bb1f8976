"""Lineage: what a thing was made from, down to the digests of the data, and what came of it. A query over entries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, TypeAlias

from keepfit import errors, record
from keepfit.candidate import Candidate
from keepfit.cause import Cause
from keepfit.ledger import Entry
from keepfit.loop import log
from keepfit.snapshot import Snapshot
from keepfit.workspace import Workspace

__all__ = ["Branch", "Lineage", "Node", "entry_named", "lineage", "whole"]

#: Characters of a digest by which a snapshot is named, and the fewest that a person must give.
_NAMED, _FEWEST = 15, 7

Tree: TypeAlias = "tuple[Branch, ...]"


@dataclass(frozen=True, slots=True)
class Node:
    """One thing: the name by which it is asked for, its kind, what it is in words, its digest and its entry where it has them."""

    id: str
    kind: str
    says: str
    digest: str | None = None
    seq: int | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """A thing, and what it was made from (or what came of it)."""

    node: Node
    branches: tuple[Branch, ...] = ()


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a thing was made from, and what came of it, each as a tree."""

    record: ClassVar[str] = "lineage"
    version: ClassVar[int] = 1

    thing: Node
    made_of: tuple[Branch, ...]
    led_to: tuple[Branch, ...]


@dataclass(slots=True)
class _Graph:
    """Things by their names, and who was made from whom."""

    nodes: dict[str, Node] = field(default_factory=dict)
    above: dict[str, list[str]] = field(default_factory=dict)  #: thing -> what it was made from
    below: dict[str, list[str]] = field(default_factory=dict)  #: thing -> what came of it

    def add(self, node: Node, *made_of: str | None) -> None:
        self.nodes[node.id] = node
        for name in dict.fromkeys(one for one in made_of if one in self.nodes and one != node.id):
            assert name is not None
            if name not in self.above.setdefault(node.id, []):
                self.above[node.id].append(name)
                self.below.setdefault(name, []).append(node.id)

    def tree(self, name: str, links: Mapping[str, list[str]]) -> Tree:
        return tuple(Branch(self.nodes[one], self.tree(one, links)) for one in links.get(name, ()))


def lineage(ws: Workspace, name: str) -> Lineage:
    """The lineage of a candidate, a release, a snapshot, a verdict, a window or a prediction.

    Parameters
    ----------
    name : `c1`, `r1`, a role, the beginning of a snapshot's digest, an entry's number, or a prediction's id

    Raises
    ------
    NothingThere
        The project has nothing of that name.
    """
    graph = _graph(ws)
    found = _prediction(ws, graph, name) if _is_id(name) else _node_of(ws, name, graph)
    return Lineage(graph.nodes[found], graph.tree(found, graph.above), graph.tree(found, graph.below))


def entry_named(ws: Workspace, name: str) -> Entry:
    """The newest entry that makes a thing: a candidate, a release, a role's release, a snapshot by its digest; or an entry by its number.

    Raises
    ------
    NothingThere
        The project has nothing of that name.
    """
    roles = ws.roles()
    wanted = {"champion": roles.champion, "canary": roles.canary, "shadow": roles.shadow, "previous": roles.previous}.get(name, name)
    if wanted is None:
        raise errors.NothingThere(f"no release is {name} now", at=name, fix="see: keepfit status")
    known: list[str] = []
    for entry in reversed(list(ws.ledger.entries())):
        if str(entry.seq) == wanted:
            return entry
        made = {"fit": entry.body.get("candidate"), "release": entry.body.get("release")}.get(entry.kind)
        if entry.kind == "snapshot" and len(wanted) >= _FEWEST and entry.body["artifacts"]["snapshot"].startswith(wanted):
            return entry
        if made == wanted:
            return entry
        known += [made] if made else []
    raise errors.NothingThere(f"there is no '{name}'", at=name, fix=errors.near_match(name, known) or "see: keepfit history")


def _is_id(name: str) -> bool:
    return len(name) == 36 and name.count("-") == 4


def _node_of(ws: Workspace, name: str, graph: _Graph) -> str:
    entry = entry_named(ws, name)
    for node in graph.nodes.values():
        if node.seq == entry.seq or node.id == _name_of(entry):
            return node.id
    fix = "name a candidate, a release, a snapshot, a verdict, a window or a prediction"
    raise errors.NothingThere(f"entry {entry.seq} is of kind {entry.kind}, which makes nothing", at=name, fix=fix)


def _name_of(entry: Entry) -> str | None:
    body = entry.body
    return {"fit": body.get("candidate"), "release": body.get("release")}.get(entry.kind)


def _graph(ws: Workspace) -> _Graph:
    graph, verdicts = _Graph(), dict[str, str]()
    for entry in ws.ledger.entries():
        add = {"snapshot": _snapshot, "fit": _fit, "watch": _watch}.get(entry.kind)
        if add is not None:
            add(ws, graph, entry)
        elif entry.kind == "verdict":
            body, champion = entry.body, entry.body["champion"]
            says = f"{body['status']}: {', '.join(f'{gate} {status}' for gate, status in body['gates'].items()) or 'no gates'}"
            graph.add(_node(entry, str(entry.seq), "verdict", says, body["artifacts"]["verdict"]), body["candidate"], champion)
            verdicts[body["candidate"]] = str(entry.seq)
        elif entry.kind == "release":
            body = entry.body
            says = f"{body['role']}: {body['because']}"
            # What it was made from its first entry says; later ones give it other roles.
            made_of = None if body["release"] in graph.nodes else verdicts.get(body["candidate"]) or body["candidate"]
            graph.add(_node(entry, body["release"], "release", says, body["artifacts"]["release"]), made_of)
    return graph


def _node(entry: Entry, name: str, kind: str, says: str, digest: str | None) -> Node:
    return Node(name, kind, says, digest, entry.seq, entry.at)


def _snapshot(ws: Workspace, graph: _Graph, entry: Entry) -> None:
    """A snapshot, its source, and its parts by their digests."""
    named = entry.body["artifacts"]["snapshot"]
    origin = entry.body["origin"]
    graph.add(Node(origin, "source", "the prediction log joined with its labels" if origin == "log" else "where the data come from"))
    parts = []
    for part in ws.artifacts.get_record(Snapshot, named).parts:
        for file, digest, words in ((part.file, part.digest, ""), (part.private_file, part.private, ", columns kept apart")):
            if file is not None:
                graph.add(Node(file, "part", f"{part.rows:,} rows{words}", digest))
                parts.append(file)
    says = f"{entry.body['rows']:,} rows of {origin}, {entry.body['known']:,} with a known target"
    graph.add(_node(entry, named[:_NAMED], "snapshot", says, named), origin, *parts)


def _fit(ws: Workspace, graph: _Graph, entry: Entry) -> None:
    named = entry.body["artifacts"]
    candidate = ws.artifacts.get_record(Candidate, named["candidate"])
    cause = ws.artifacts.get_record(Cause, named["cause"]) if "cause" in named else None
    recipe = str(cause.inputs["champion"]) if cause is not None and cause.step == "refit" else None
    how = f", the recipe of {recipe}" if recipe else f", best of {candidate.trials} recipes" if candidate.trials else ""
    libraries = ", ".join(f"{name} {version}" for name, version in candidate.versions.items())
    says = f"{candidate.estimator} on {candidate.fitted_rows:,} rows{how}, seed {candidate.seed}; {libraries}"
    made_of = [name[:_NAMED] for name in candidate.snapshots]
    graph.add(_node(entry, candidate.id, "candidate", says, named["candidate"]), *made_of, recipe)


def _watch(ws: Workspace, graph: _Graph, entry: Entry) -> None:
    body = entry.body
    says = f"{body['begin'][:10]} to {body['end'][:10]}: {body['predictions']:,} predictions, {body['labels']:,} labels"
    graph.add(_node(entry, str(entry.seq), "window", says, body.get("artifacts", {}).get("window")), body["release"])


def _prediction(ws: Workspace, graph: _Graph, name: str) -> str:
    import polars as pl  # the command line starts without it

    found = log.predictions(ws, shadows=True).filter(pl.col("id") == name)
    if found.is_empty():
        fix = "look for its id among those of: keepfit.open().predictions()"
        raise errors.NothingThere(f"the log holds no prediction '{name}'", at=name, fix=fix)
    row = found.row(0, named=True)
    graph.add(Node(name, "prediction", f"answered by {row['release']} as {row['role']}, via {row['via']}", at=row["at"]), row["release"])
    for window in [node for node in graph.nodes.values() if node.kind == "window"]:
        if row["release"] in graph.above.get(window.id, ()) and _holds(ws, window, row):
            graph.above[window.id].append(name)
            graph.below.setdefault(name, []).append(window.id)
    return name


def _holds(ws: Workspace, window: Node, row: Mapping[str, Any]) -> bool:
    entry = next(iter(ws.ledger.entries(after=(window.seq or 1) - 1)))
    at: datetime = row["time"] or row["at"]
    return datetime.fromisoformat(entry.body["begin"]) <= at < datetime.fromisoformat(entry.body["end"])


def whole(ws: Workspace, entry: Entry, *, at_most: int = 200_000) -> dict[str, Any]:
    """An entry with the records that it names; of larger artifacts, and of those that are no records, the digest and size."""
    found: dict[str, Any] = {"entry": record.to_json(entry)}
    for member, digest in _members(entry.body.get("artifacts", {})):
        path = ws.artifacts.path(digest)
        size = path.stat().st_size if path.exists() else None
        value = record.parsed(ws.artifacts.get(digest)) if size is not None and size <= at_most else None
        found[member] = {"digest": digest, "bytes": size} if value is None else value
    return found


def _members(named: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for member, value in named.items():
        if isinstance(value, str):
            yield member, value
        elif isinstance(value, Mapping):
            yield from ((f"{member}/{inner}", digest) for inner, digest in _members(value))
