"""Release: make the folder that is served, and give it a role."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from keepfit import digest, errors, files, record
from keepfit.candidate import Candidate
from keepfit.ledger import Entry
from keepfit.loop.models import candidate_of, refuse_removed
from keepfit.release import Release, Role
from keepfit.schema import Schema
from keepfit.workspace import Workspace

__all__ = ["give_role", "known_release", "promote", "release", "rollback"]


def release(
    ws: Workspace, candidate: Candidate, *, role: Role, because: str, cause: list[Any], now: datetime, more: Mapping[str, Any] | None = None
) -> Entry:
    """Release a candidate in a role, once for each cause; a candidate that was released before keeps its release.

    `more` is what the entry says besides: of a canary the `share` of the requests that it answers.
    """
    if (entry := ws.entry("release", [role, *cause])) is not None:
        restore(ws, entry.body["release"])
        return entry
    was = _release_of(ws, candidate.id)
    name = was.body["release"] if was else f"r{_count(ws) + 1}"
    refuse_removed(ws, candidate)
    named = was.body["artifacts"]["release"] if was else _make(ws, candidate, name, now)
    if was:
        restore(ws, name)
    roles = ws.roles()
    body: dict[str, Any] = {
        "release": name,
        "role": role,
        "candidate": candidate.id,
        "was": {"champion": roles.champion, "canary": roles.canary, "shadow": roles.shadow}.get(role),
        "because": because,
        "artifacts": {"release": named},
        **(more or {}),
    }
    return ws.append("release", [role, *cause], body, at=now)


def promote(ws: Workspace, name: str, *, because: str, now: datetime) -> Entry:
    """Make a release the champion.

    Raises
    ------
    NothingThere
        There is no release of that name.
    BadArgument
        It is the champion already.
    """
    return give_role(ws, name, "champion", because=because, now=now)


def rollback(ws: Workspace, *, because: str, now: datetime) -> Entry:
    """Make the release that was champion before the champion again.

    Raises
    ------
    NoChampion
        There was none.
    """
    previous = ws.roles().previous
    if previous is None:
        raise errors.NoChampion("there is no earlier champion to go back to", at=ws.project, fix="see: keepfit history")
    return give_role(ws, previous, "champion", because=because, now=now, more={"rolled_back": ws.roles().champion})


def give_role(ws: Workspace, name: str, role: Role, *, because: str, now: datetime, more: Mapping[str, Any] | None = None) -> Entry:
    """Give an existing release a role, or with `none` take away the one that it has; `more` as for `release`."""
    entry = known_release(ws, name)
    # A role may be given again after it was lost, so the cause names the change of roles that came before. Was there
    # another one meanwhile, this one was decided on what does not hold any more, and is refused.
    last = ws.ledger.last("release")
    ws = ws.resting_on({"release": last.seq if last else 0})
    if role == "champion" and ws.roles().champion == name:
        raise errors.BadArgument(f"release {name} is the champion already", at=name, fix="see: keepfit status")
    candidate, _ = candidate_of(ws, entry.body["candidate"])
    return release(ws, candidate, role=role, because=because, cause=[name, last.seq if last else 0], now=now, more=more)


def known_release(ws: Workspace, name: str) -> Entry:
    """The first entry of a release.

    Raises
    ------
    NothingThere
        There is none of that name.
    """
    known = set()
    for entry in ws.ledger.entries(kind="release"):
        if entry.body["release"] == name:
            return entry
        known.add(entry.body["release"])
    raise errors.NothingThere(f"there is no release '{name}'", at=name, fix=errors.near_match(name, known))


def restore(ws: Workspace, name: str) -> Path:
    """A release's folder; made again from its artifacts when it is not there."""
    folder = ws.release_folder(name)
    if (folder / "release.json").exists():
        return folder
    for entry in ws.ledger.entries(kind="release"):
        if entry.body["release"] == name:
            made = ws.artifacts.get_record(Release, entry.body["artifacts"]["release"])
            _write_folder(ws, made, folder)
            return folder
    raise errors.NothingThere(f"there is no release '{name}'", at=name, fix="see: keepfit history")


def _count(ws: Workspace) -> int:
    return len({entry.body["release"] for entry in ws.ledger.entries(kind="release")})


def _release_of(ws: Workspace, candidate: str) -> Entry | None:
    return next((entry for entry in ws.ledger.entries(kind="release") if entry.body["candidate"] == candidate), None)


def _make(ws: Workspace, candidate: Candidate, name: str, now: datetime) -> str:
    known = ws.artifacts.get_record(Schema, candidate.schema)
    _, entry = candidate_of(ws, candidate.id)
    contents = {f"model/{file}": at for file, at in candidate.files.items()}
    contents |= {"sample.json": entry.body["artifacts"]["sample"], "profile.json": candidate.profile}
    if (reference := entry.body["artifacts"].get("reference")) is not None:
        contents["reference.json"] = reference
    if known.added is not None:
        contents["added.json"] = known.added
    columns = tuple(column for column in known.columns if not {"target", "later", "added"} & set(column.uses))
    made = Release(
        id=name,
        project=ws.project,
        statement=ws.spec.problem.statement,
        candidate=candidate.id,
        task=ws.spec.problem.task,
        target=known.target,
        classes=candidate.classes,
        threshold=candidate.threshold,
        calibration=candidate.calibration,
        columns=columns,
        inputs=tuple(column.name for column in known.features),
        key=known.key,
        time=known.time,
        predictor=candidate.predictor,
        difference=candidate.difference,
        made_at=now,
        files=contents,
    )
    _write_folder(ws, made, ws.release_folder(name))
    return ws.artifacts.put_record(made)


def _write_folder(ws: Workspace, made: Release, folder: Path) -> None:
    """Write a release's files beside their place and rename the whole folder into it."""
    with files.writable(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{made.id}."))
        try:
            for name, named in made.files.items():
                files.write_whole(beside / name, ws.artifacts.get(named))
            files.write_whole(beside / "release.json", digest.canonical(record.to_json(made)).encode())
            beside.chmod(0o755)
            if folder.exists():
                shutil.rmtree(folder)
            beside.rename(folder)
            files.sync_folder(folder.parent)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
