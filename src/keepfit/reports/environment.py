"""The machine that keepfit runs on: Python, libraries, file systems, disks, clocks. Each is looked at by trying it."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import importlib
import os
import platform
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Literal, TypeAlias

__all__ = ["Check", "Status", "disk", "extras", "file_system", "libraries", "python"]

#: "warning": it works, and may not for long, or not as one thinks.
Status: TypeAlias = Literal["good", "warning", "bad"]

#: Types of file systems of other machines: SQLite's write-ahead log needs memory that all its readers share.
_OF_OTHERS = re.compile(
    r"^(nfs\d?|cifs|smb\d?|smbfs|afs|afpfs|9p|ncpfs|lustre|ceph|gfs2?|ocfs2|glusterfs|beegfs|fuse\.(sshfs|s3fs|gcsfuse|rclone|glusterfs|cephfs)|vboxsf|webdav)$"
)
#: Bytes and files below which a disk is nearly full, and full.
_FEW, _NONE, _FEW_FILES = 2 << 30, 100 << 20, 1000
#: Clocks of one machine and of the disks that it uses may differ by so many seconds.
_APART = 5.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: what was found, and where it is not good, what to do.

    `exit_code` is what a command ends with that needs it: 3 for usage, 4 for a store.
    """

    name: str
    status: Status
    found: str
    fix: str = ""
    exit_code: int = 3


def python() -> Iterator[Check]:
    """The interpreter and the processors it may use."""
    found = f"{platform.python_implementation()} {platform.python_version()} on {platform.system()} {platform.machine()}"
    good = sys.version_info >= (3, 11)
    yield Check("python", "good" if good else "bad", found, "" if good else "install Python 3.11 or later")
    yield Check("keepfit", "good", f"{metadata.version('keepfit')} in {Path(__file__).parents[1]}")
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Check("processors", "good", f"{processors} for this process")


def libraries() -> Iterator[Check]:
    """The libraries that keepfit needs: there, new enough, and loadable."""
    wrong = []
    asked = [one for one in metadata.requires("keepfit") or [] if "extra ==" not in one]
    for requirement in asked:
        name, least = _requirement(requirement)
        try:
            there = metadata.version(name)
        except metadata.PackageNotFoundError:
            if "sys_platform" not in requirement:
                wrong.append(f"{name} is not installed")
            continue
        if _numbers(there) < _numbers(least):
            wrong.append(f"{name} {there} is older than {least}")
    wrong += [why for name in ("numpy", "polars", "msgspec") if (why := _import(name))]
    wrong += [why for why in [_load("lightgbm", "lib_lightgbm")] if why]
    found = "; ".join(wrong) or f"{len(asked)} as they are needed"
    fix = "pip install --upgrade keepfit; OpenMP, which LightGBM needs, comes with the system's packages (libgomp1, libomp)"
    yield Check("libraries", "bad" if wrong else "good", found, fix if wrong else "")


def extras() -> Iterator[Check]:
    """The optional parts, by whether what they need is there."""
    needs: dict[str, list[str]] = {}
    for requirement in metadata.requires("keepfit") or []:
        if (extra := re.search(r"extra == ['\"]([\w-]+)['\"]", requirement)) and extra[1] != "all":
            needs.setdefault(extra[1], []).append(_requirement(requirement)[0])
    there = [name for name, packages in needs.items() if all(map(_installed, packages))]
    missing = sorted(set(needs) - set(there))
    found = f"installed: {', '.join(sorted(there)) or 'none'}" + (f"; not installed: {', '.join(missing)}" if missing else "")
    yield Check("extras", "good", found)


def _requirement(text: str) -> tuple[str, str]:
    """The name of a requirement and the least version that it asks for."""
    name = re.match(r"[\w.-]+", text)
    least = re.search(r">=\s*([\w.]+)", text)
    return name[0] if name else text, least[1] if least else "0"


def _installed(package: str) -> bool:
    try:
        return bool(metadata.version(package))
    except metadata.PackageNotFoundError:
        return False


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text.split("+")[0])[:3])


def _import(name: str) -> str:
    try:
        importlib.import_module(name)
    except (ImportError, OSError) as error:
        return f"{name} cannot be imported: {error}"
    return ""


def _load(package: str, library: str) -> str:
    """Whether a package's shared library loads, without importing the package."""
    spec = util.find_spec(package)
    if spec is None or spec.origin is None:
        return ""  # said as not installed
    for path in Path(spec.origin).parent.rglob(f"{library}.*"):
        if path.suffix in (".so", ".dylib"):
            try:
                ctypes.CDLL(str(path))
            except OSError as error:
                return f"{package} cannot be loaded: {error}"
    return ""


# -- the folder ---------------------------------------------------------------------------------


def file_system(folder: Path, *, sqlite: bool) -> Iterator[Check]:
    """Whether a folder can be written, keeps locks and a write-ahead log, and has a clock that agrees with this machine's.

    Parameters
    ----------
    sqlite : whether the ledger is a file in this folder
    """
    kind = kind_of(folder)
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".doctor.", suffix=".part") as name:
            place = Path(name)
            yield _clock(place)
            yield _locks(place)
            if sqlite:
                yield _wal(place, kind)
    except OSError as error:
        fix = "change the folder's rights, free some space, or move the project"
        yield Check("folder", "bad", f"{folder} cannot be written: {error.strerror}", fix, 4)
        return
    yield Check("folder", "good", f"{folder} can be written ({kind or 'unknown file system'})")


def _clock(place: Path) -> Check:
    path = place / "clock"
    path.write_bytes(b"x")
    now, written = time.time(), path.stat().st_mtime
    said = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    if abs(now - written) > _APART:
        fix = "set both clocks by a time server: entries and windows are ordered by them"
        return Check("clock", "warning", f"{said}; the file system's clock differs by {now - written:+.0f} s", fix)
    if now < metadata_time():
        return Check("clock", "bad", f"{said}, before keepfit itself was installed", "set the clock by a time server")
    return Check("clock", "good", said)


def metadata_time() -> float:
    """When keepfit was installed, by the file system's clock; no clock can rightly show less."""
    with contextlib.suppress(OSError):
        return Path(__file__).stat().st_mtime - 86_400
    return 0.0


def _locks(place: Path) -> Check:
    """Whether a lock that one handle holds is refused to another."""
    path = place / "lock"
    first = os.open(path, os.O_RDWR | os.O_CREAT)
    second = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return Check("locks", "good", "held against other processes")
    except OSError as error:
        fix = "mount the file system with locks, or move the project to a local disk"
        return Check("locks", "bad", f"the file system has no locks: {error.strerror}", fix, 4)
    finally:
        os.close(first)
        os.close(second)
    fix = "two commands could change the project at once: mount the file system with locks, or move the project to a local disk"
    return Check("locks", "bad", "the file system grants a lock twice", fix, 4)


def _wal(place: Path, kind: str) -> Check:
    """Whether two connections see each other's writes through a write-ahead log."""
    fix = 'move the project to a local disk, or keep the ledger in PostgreSQL: [stores] ledger = "postgresql://…"'
    path = place / "wal.sqlite"
    try:
        with (
            contextlib.closing(sqlite3.connect(path, timeout=5.0)) as first,
            contextlib.closing(sqlite3.connect(path, timeout=5.0)) as second,
        ):
            mode = first.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            first.execute("CREATE TABLE t (x)")
            first.execute("INSERT INTO t VALUES (1)")
            first.commit()
            seen = second.execute("SELECT count(*) FROM t").fetchone()[0]
    except sqlite3.Error as error:
        return Check("write-ahead log", "bad", f"SQLite cannot keep one here: {error}", fix, 4)
    if mode != "wal" or seen != 1:
        return Check("write-ahead log", "bad", "SQLite does not keep one here", fix, 4)
    if _OF_OTHERS.match(kind):
        return Check("write-ahead log", "bad", f"{kind} is a file system of other machines: the ledger's file may be damaged", fix, 4)
    return Check("write-ahead log", "good", f"SQLite {sqlite3.sqlite_version}")


def kind_of(folder: Path) -> str:
    """The type of the file system that a folder lies on; empty where the system does not tell."""
    with contextlib.suppress(OSError, subprocess.SubprocessError, ValueError):
        mounts = Path("/proc/self/mountinfo")
        if mounts.exists():
            return _longest(folder, (_mounted(line) for line in mounts.read_text(errors="replace").splitlines()))
        said = subprocess.run(["/sbin/mount"], capture_output=True, text=True, timeout=5, check=True).stdout
        return _longest(folder, re.findall(r" on (/.*?) \((\w+)", said))
    return ""


def _mounted(line: str) -> tuple[str, str]:
    """The place and type of a line of /proc/self/mountinfo (proc(5)).

    >>> _mounted("36 35 98:0 / /mnt/my\\\\040disk rw,noatime shared:1 - nfs4 host:/x rw")
    ('/mnt/my disk', 'nfs4')
    """
    before, _, after = line.partition(" - ")
    place = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), before.split(" ")[4])
    return place, after.split(" ")[0]


def _longest(folder: Path, mounts: Iterable[tuple[str, str]]) -> str:
    """The type of the innermost mount that holds a folder."""
    found = [(len(place), kind) for place, kind in mounts if folder.resolve().is_relative_to(place)]
    return max(found, default=(0, ""))[1]


def disk(folder: Path) -> Iterator[Check]:
    """Room for bytes and files."""
    usage, room = shutil.disk_usage(folder), os.statvfs(folder)
    found = f"{usage.free / (1 << 30):.1f} GiB of {usage.total / (1 << 30):.1f} GiB are free"
    fix = "free some space; keepfit gc shows what the project no longer needs"
    if usage.free < _NONE:
        yield Check("disk", "bad", found, fix, 4)
    elif usage.free < _FEW or (room.f_files and room.f_favail < _FEW_FILES):
        files = f"; {room.f_favail:,} more files" if room.f_files else ""
        yield Check("disk", "warning", found + files, fix)
    else:
        yield Check("disk", "good", found)
