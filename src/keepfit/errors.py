"""What went wrong, where, and what to do: every error that a person can meet.

The exit code of a command follows from the class: `UsageFault` and what inherits from it end with 3
(the project file, the data or the usage is at fault), `StoreFault` with 4 (a store or service failed).
The page *errors* of the documentation explains each code; a test holds it complete.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import ClassVar

__all__ = ["Faults", "KeepfitError", "StoreFault", "UsageFault", "near_match"]


class KeepfitError(Exception):
    """An error that says what happened, where, and what to do about it.

    Parameters
    ----------
    message : what was found, in one sentence, without a value from a row
    at : file, key, row or column
    fix : what the reader can do
    code : the code that the documentation explains; by default the class's own
    """

    code: ClassVar[str] = "KF000"
    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, *, at: str = "", fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.fix = fix

    def __str__(self) -> str:
        lines = [f"{self.code}: {self.message}"]
        if self.at:
            lines.append(f"  at: {self.at}")
        if self.fix:
            lines.append(f"  fix: {self.fix}")
        return "\n".join(lines)

    @property
    def faults(self) -> Sequence[KeepfitError]:
        """The single faults: this one, or all that were found together."""
        return (self,)

    def to_json(self) -> dict[str, object]:
        """The form that `--json` prints."""
        return {"code": self.code, "message": self.message, "at": self.at, "fix": self.fix}


class UsageFault(KeepfitError):
    """The project file, the data or the usage is at fault."""

    code = "KF100"
    exit_code = 3


class StoreFault(KeepfitError):
    """A store or a service failed."""

    code = "KF300"
    exit_code = 4


class Faults(UsageFault):
    """Several faults of one input, reported at once."""

    code = "KF101"

    def __init__(self, found: Iterable[KeepfitError], *, at: str) -> None:
        self._found = tuple(found)
        many = "1 fault" if len(self._found) == 1 else f"{len(self._found)} faults"
        super().__init__(f"{many} in {at}", at=at)

    def __str__(self) -> str:
        return "\n".join([self.message, *map(str, self._found)])

    @property
    def faults(self) -> Sequence[KeepfitError]:
        return self._found

    def to_json(self) -> dict[str, object]:
        return super().to_json() | {"faults": [fault.to_json() for fault in self._found]}


# -- the project file ---------------------------------------------------------------------------


class UnknownKey(UsageFault):
    """The project file has a key that no part of keepfit reads."""

    code = "KF102"


class MissingKey(UsageFault):
    """The project file lacks a key that has no default."""

    code = "KF103"


class UnknownColumn(UsageFault):
    """The project file names a column that the data does not have."""

    code = "KF104"


class UnreadableProjectFile(UsageFault):
    """The project file is missing, is not TOML, or cannot be opened."""

    code = "KF105"


class AlreadyThere(UsageFault):
    """There is a project file already, and writing another would lose it."""

    code = "KF106"


class Undecided(UsageFault):
    """What should be predicted, or from which table, is not said and cannot be told from the table."""

    code = "KF107"


class EarlierThanNewest(UsageFault):
    """The instant that a command was told to take for now lies before what the ledger saw last."""

    code = "KF108"


class WrongValue(UsageFault):
    """A key of the project file has a value of the wrong type, form or range."""

    code = "KF110"


class UnknownKind(UsageFault):
    """A kind of source, task, column, estimator, gate or store is not installed."""

    code = "KF120"


class UnknownMetric(UsageFault):
    """A gate names a metric that the task does not have."""

    code = "KF121"


class Impossible(UsageFault):
    """Two keys of the project file contradict each other."""

    code = "KF122"


class LiteralPassword(UsageFault):
    """A URL in the project file holds a password instead of ${NAME}."""

    code = "KF123"


class NoProject(UsageFault):
    """There is no keepfit.toml in the folder or above it."""

    code = "KF130"


class BadArgument(UsageFault):
    """An option or argument of a command cannot be used as given."""

    code = "KF131"


class NothingThere(UsageFault):
    """A name or id of a command is not known to this project."""

    code = "KF132"


class Removed(UsageFault):
    """What a command needs was removed by a clean-up, as an entry of the ledger says."""

    code = "KF134"


class ExtraNeeded(UsageFault):
    """A part needs a package that the base install leaves out."""

    code = "KF133"


class NoCommonRows(UsageFault):
    """Two candidates cannot be compared: too few rows are new to both."""

    code = "KF140"


class CannotCompare(UsageFault):
    """Two candidates cannot answer for the same rows."""

    code = "KF141"


# -- the data -----------------------------------------------------------------------------------


class MissingSource(UsageFault):
    """The source of the data is not there or cannot be opened."""

    code = "KF201"


class UnreadableTable(UsageFault):
    """The source is there and is not a table that can be read."""

    code = "KF202"


class EmptyTable(UsageFault):
    """The table has no row to learn from."""

    code = "KF203"


class OneClass(UsageFault):
    """The target has one value only, so there is nothing to learn."""

    code = "KF204"


class RepeatedKey(UsageFault):
    """The key that should name one row names several."""

    code = "KF205"


class BadTime(UsageFault):
    """The time column is missing in some row, or is not a time."""

    code = "KF206"


class TooFewRows(UsageFault):
    """There are too few rows with a known target to fit and to test."""

    code = "KF207"


class SchemaBroken(UsageFault):
    """A later snapshot does not fit the schema that the project keeps."""

    code = "KF208"


class BadTarget(UsageFault):
    """The target's values do not fit the task."""

    code = "KF209"


class BadFeatures(UsageFault):
    """The function that adds columns fails, or does not give the same in a table and in a request."""

    code = "KF210"


class BadSource(UsageFault):
    """The function that should give the data fails, or gives no table."""

    code = "KF211"


# -- models -------------------------------------------------------------------------------------


class BadEstimator(UsageFault):
    """An estimator cannot learn from these rows, or a function that makes one does not hold what it must."""

    code = "KF220"


class Untrusted(UsageFault):
    """A model that scikit-learn made holds types that nobody said to trust."""

    code = "KF221"


class NoGroups(UsageFault):
    """A gate asks for groups that a column does not make or that are not kept."""

    code = "KF230"


# -- stores -------------------------------------------------------------------------------------


class CannotWrite(StoreFault):
    """A file or folder cannot be written: rights, a read-only file system, or a full disk."""

    code = "KF301"


class CannotRead(StoreFault):
    """A stored file is missing or unreadable."""

    code = "KF302"


class BrokenFile(StoreFault):
    """A stored file's bytes are not what its digest or checksum says."""

    code = "KF303"


class NewerFormat(UsageFault):
    """A stored thing was written by a newer keepfit than this one."""

    code = "KF304"


class LedgerUnreachable(StoreFault):
    """The ledger's database cannot be opened or did not answer."""

    code = "KF310"


class BrokenChain(StoreFault):
    """The ledger was altered: an entry changed, vanished or moved."""

    code = "KF311"


class KeyConflict(StoreFault):
    """A key was appended before with an entry of another kind."""

    code = "KF312"


class Busy(StoreFault):
    """Another command holds the project and did not finish in time."""

    code = "KF313"


class SourceUnreachable(StoreFault):
    """The database or object store that holds the data did not answer, or refuses this user."""

    code = "KF320"


class SourceBroke(StoreFault):
    """The source answered and broke off before the last row: nothing was taken."""

    code = "KF321"


class RowsRefused(StoreFault):
    """A database does not take rows: nothing was written."""

    code = "KF322"


# -- serving ------------------------------------------------------------------------------------


class NoChampion(UsageFault):
    """No release has the role that the command needs."""

    code = "KF401"


class BadRelease(StoreFault):
    """A release folder is incomplete, altered, or fails its self-test."""

    code = "KF402"


class BadRequest(UsageFault):
    """A request cannot be answered: a wrong kind, an unknown or a missing column."""

    code = "KF403"


class ServerFailed(StoreFault):
    """The server did not start or did not answer."""

    code = "KF404"


class NoKey(UsageFault):
    """A request brings no API key, or one that is not in force."""

    code = "KF405"


class NarrowKey(UsageFault):
    """A request's key is in force and does not open this route."""

    code = "KF406"


class TooFast(UsageFault):
    """One client sends more requests in a second than the project allows."""

    code = "KF407"


class Overloaded(StoreFault):
    """More requests are under way at once than a worker takes."""

    code = "KF408"


class IdTaken(UsageFault):
    """A prediction's id stood for another row a short while ago."""

    code = "KF409"


class OpenDoor(UsageFault):
    """The server would listen beyond this machine while no API key is in force."""

    code = "KF410"


class NoAnswer(StoreFault):
    """A server that was asked over HTTP gave no answer, in as many tries as the client was given."""

    code = "KF420"


class RequestRefused(UsageFault):
    """A server that was asked over HTTP refuses, and its reason has no code that this client knows."""

    code = "KF421"


# -- the loop -----------------------------------------------------------------------------------


class Overtaken(StoreFault):
    """Another command acted on the project meanwhile."""

    code = "KF510"


class OverBudget(UsageFault):
    """A refit took longer than its budget."""

    code = "KF511"


class SuspiciousData(UsageFault):
    """A refit was refused: the rows that it was to learn from are suspicious."""

    code = "KF560"


class AlertFailed(StoreFault):
    """An alert could not be delivered; it is tried again."""

    code = "KF513"


class NoTime(UsageFault):
    """The rows have no time, and what is asked for needs to know in which order they came."""

    code = "KF530"


class TooShort(UsageFault):
    """The past holds too few rows or windows to be replayed."""

    code = "KF531"


class BadPolicy(UsageFault):
    """A file that should say how a policy differs says something else, or nothing."""

    code = "KF532"


class NothingToLabel(UsageFault):
    """No answer waits for a label in a window that has ended."""

    code = "KF550"


class SheetThere(UsageFault):
    """The file for suggested answers exists, and labels may have been written into it."""

    code = "KF551"


def near_match(word: str, known: Iterable[str]) -> str:
    """A remedy for a word that is not known.

    >>> near_match("traget", ["target", "time"])
    "did you mean 'target'?"
    >>> near_match("zzz", ["b", "a"])
    'one of a, b'
    """
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    more = ", …" if len(names) > 12 else ""
    return f"one of {', '.join(names[:12])}{more}" if names else ""
