"""Verify an export of a keepfit ledger with nothing but the Python standard library (3.11 or later).

    python verify_ledger.py EXPORT [--head SEQ:HASH]... [--artifacts .keepfit/artifacts]

An entry's hash is the hexadecimal SHA-256 of the hash before it (64 zeros at first) followed by its text.
Exit code: 0 the chain is whole, 1 something was found, 3 the input cannot be used.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Finding = tuple[int, str, str]  # seq, kind, explanation


def read(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The header and the entries of an export; ValueError where it is none."""
    try:
        header, *entries = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    if not isinstance(header, dict) or (header.get("record"), header.get("version")) != ("ledger-export", 1):
        raise ValueError(f"{path} is no ledger export of version 1")
    for number, entry in enumerate(entries, start=2):
        if not isinstance(entry, dict) or [type(entry.get(name)) for name in ("seq", "text", "hash")] != [int, str, str]:
            raise ValueError(f"{path}, line {number}: no entry")
    return header, entries


def form_of(entry: dict[str, Any]) -> dict[str, Any] | None:
    """What an entry's text says, where the text is what its hash was made of."""
    try:
        form = json.loads(entry["text"])
        if type(form["seq"]) is int and hashlib.sha256((form["prev"] + entry["text"]).encode()).hexdigest() == entry["hash"]:
            return dict(form)
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    return None


def check_chain(project: str, entries: list[dict[str, Any]], heads: list[tuple[int, str]]) -> Iterator[Finding]:
    """Findings about the entries themselves."""
    links: dict[int, tuple[str | None, str]] = {}
    highest = 0
    for entry in entries:
        form = form_of(entry)
        place = entry["seq"] if form is None else form["seq"]
        if form is None:
            yield place, "altered", f"entry {place} is not the text that its hash was made of"
            links.setdefault(place, (None, entry["hash"]))
        else:
            if place != entry["seq"]:
                yield place, "reordered", f"entry {place} is kept at place {entry['seq']}"
            if place in links:
                yield place, "reordered", f"there is more than one entry {place}"
            if form.get("project") != project:
                yield place, "altered", f"entry {place} belongs to another project"
            links[place] = (form["prev"], entry["hash"])
        if place < highest:
            yield place, "reordered", f"entry {place} stands after entry {highest}"
        highest = max(highest, place)
    present = sorted({0, *links})
    for before, place in itertools.pairwise(present):
        if place > before + 1:
            missing = f"entry {before + 1} is" if place == before + 2 else f"entries {before + 1} to {place - 1} are"
            yield before + 1, "removed", f"{missing} missing"
    for place, (prev, _) in links.items():
        if place == 1 and prev not in (None, "0" * 64):
            yield 1, "altered", "entry 1 is not the beginning of a chain"
        if prev is not None and place - 1 in links and links[place - 1][1] != prev:
            yield place - 1, "altered", f"entry {place - 1} is not the one that entry {place} was written after"
    for seq, known in sorted(heads, reverse=True):
        if seq > highest:
            where = f"ends at entry {highest}" if highest else "is empty"
            yield highest + 1, "cut", f"the chain {where}, and it had an entry {seq}"
        elif seq in links and links[seq][1] != known:
            yield seq, "altered", f"entry {seq} is not the one that was known as the head; the chain was written anew"


def digests_in(value: object) -> Iterator[str]:
    if isinstance(value, str) and re.fullmatch("b3:[0-9a-f]{64}", value):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from digests_in(item)


def check_artifacts(folder: Path, copies: dict[str, Any], entries: list[dict[str, Any]]) -> Iterator[Finding]:
    """Findings about the files that entries name; a missing one is none where an erasure names it."""
    named: dict[str, int] = {}
    erased: set[str] = set()
    for form in filter(None, map(form_of, entries)):
        body = form.get("body")
        if not isinstance(body, dict):
            continue
        named |= {name: form["seq"] for name in digests_in(body.get("artifacts")) if name not in named}
        removed = {"erasure": [body.get("old")], "gc": body.get("removed")}.get(str(form.get("kind")))
        erased.update(map(str, removed if isinstance(removed, list) else ()))
    for name, place in named.items():
        path = folder / name[3:5] / name[3:]
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            if name not in erased:
                yield place, "artifact_missing", f"artifact {name} is missing, and no erasure names it"
            continue
        if name not in copies:
            yield place, "artifact_changed", f"artifact {name} was missing or changed when the export was written"
        elif hashlib.sha256(data).hexdigest() != copies[name].get("sha256"):
            yield place, "artifact_changed", f"artifact {name} has other bytes than its name says"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Verify an export of a keepfit ledger.", epilog="Exit code 0: whole, 1: findings, 3: unusable input."
    )
    parser.add_argument("export", type=Path)
    parser.add_argument("--head", action="append", default=[], metavar="SEQ:HASH", help="a head known from elsewhere, as in keepfit.lock")
    parser.add_argument("--artifacts", type=Path, metavar="FOLDER", help="check the files that entries name, as in .keepfit/artifacts")
    try:
        options = parser.parse_args(arguments)
        heads = [(int(seq), known) for seq, _, known in (head.partition(":") for head in options.head)]
        header, entries = read(options.export)
        heads = [head for head in (*heads, (header["head"]["seq"], header["head"]["hash"])) if head[0] > 0]
        found = list(check_chain(header["project"], entries, heads))
        if options.artifacts is not None:
            found += check_artifacts(options.artifacts, header["artifacts"], entries)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"unusable: {error}", file=sys.stderr)
        return 3
    except SystemExit as usage:
        return 3 if usage.code else 0
    first = {(seq, kind, text if kind.startswith("artifact") else ""): text for seq, kind, text in reversed(found)}
    for (seq, kind, _), text in sorted(first.items(), key=lambda item: item[0][0]):
        print(f"{kind} at {seq}: {text}")
    print(f"{header['project']}: {len(entries)} entries, {f'{len(first)} findings' if first else 'whole'}")
    return 1 if first else 0


if __name__ == "__main__":
    sys.exit(main())
