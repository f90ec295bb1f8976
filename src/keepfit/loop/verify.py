"""Verify: the chain of entries, the artifacts that they name, and the parts that the snapshots name."""

from __future__ import annotations

from dataclasses import replace

from keepfit import chain, digest, errors
from keepfit.chain import Finding, Verification
from keepfit.snapshot import Snapshot
from keepfit.workspace import Workspace

__all__ = ["verify"]


def verify(ws: Workspace) -> Verification:
    """Find every entry that was altered, removed or moved, a chain that was cut off, and stored bytes that changed."""
    lock = ws.read_lock()
    heads = [lock.head] if lock else []
    found = chain.verify(ws.ledger.texts(), project=ws.project, heads=heads, artifact=chain.artifacts_at(ws.artifacts.path))
    if any(finding.kind == "altered" for finding in found.findings):
        return found
    parts = list(_parts(ws))
    return replace(found, artifacts=found.artifacts + len(parts), findings=(*found.findings, *filter(None, parts)))


def _parts(ws: Workspace) -> list[Finding | None]:
    """What is wrong with each part of each snapshot, by the first entry that names it; None where nothing is."""
    removed = {name for kind in ("erasure", "gc") for entry in ws.ledger.entries(kind=kind) for name in chain.removed_by(kind, entry.body)}
    looked_at: dict[str, Finding | None] = {}
    for entry in ws.ledger.entries(kind="snapshot"):
        try:
            snapshot = ws.artifacts.get_record(Snapshot, entry.body["artifacts"]["snapshot"])
        except errors.KeepfitError:
            continue  # the manifest itself is a finding of the chain
        for part in snapshot.parts:
            for file, named in ((part.file, part.digest), (part.private_file, part.private)):
                if file and named and not (named in removed and not (ws.tables.folder / file).exists()):
                    looked_at.setdefault(file, _look(ws, entry.seq, file, named))
    return list(looked_at.values())


def _look(ws: Workspace, seq: int, file: str, named: str) -> Finding | None:
    path = ws.tables.folder / file
    if not path.exists():
        return Finding("artifact_missing", seq, f"part {file} of a snapshot is missing")
    if digest.of_file(path) != named:
        return Finding("artifact_changed", seq, f"part {file} of a snapshot has other bytes than its manifest says")
    return None
