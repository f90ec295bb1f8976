"""Hints: what the name and the form of a column suggest about its use. They suggest; the owner decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keepfit import errors
from keepfit.survey import Trait

__all__ = [
    "YES",
    "counts_rows",
    "gates",
    "identifies",
    "numbers_rows",
    "of_age",
    "of_birth",
    "of_people",
    "target_words",
    "time_words",
    "worth",
]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Texts of a value that is mostly the one to find.
YES = frozenset({"true", "yes", "y", "1", "1.0", "t", "positive", "bad", "fraud", "late", "died", "dead", "spam", "churned", "malignant"})

_TARGET = _words(
    "target label class outcome response churn churned default defaulted fraud fraudulent late survived success converted conversion "
    "cancelled canceled diagnosis result readmitted clicked purchased bought approved died dead failure failed spam quality price cost "
    "denied deny accepted rejected revenue demand sales sold species attrition left subscribed"
)
_WHEN = _words("time timestamp date datetime when created departure ts day start started opened ordered booked admitted at")
_ENDS = _words("end ended arrival arrived closed updated modified delivered discharge discharged returned due paid finished")
_NAMES = _words("id uuid guid key code ref zip zipcode postcode postal sku iata icao")
#: Names of columns that only number the rows of a file.
_COUNTERS = _words("index rownames rowname rownumber rowid row unnamed")
#: Words that say that a number names something where they stand last: `flight_no`, but not `no_of_flights`.
_NUMBERED = _words("number nr no num")
#: Things that have numbers for names.
_THINGS = _words(
    "flight train trip order ticket invoice case store shop branch item product article station vehicle device machine sensor route "
    "supplier seller vendor merchant site plant room region district"
)
_MEASURES = _words(
    "count amount total price cost rate ratio size weight length sum avg mean age days hours minutes seconds score share of per"
)
_BIRTH = _words("birth birthday birthdate dob born")
_PROTECTED = _words(
    "sex gender race ethnic ethnicity religion nationality citizenship disability disabled orientation pregnant pregnancy marital caste"
)
_PERSONAL = _words("email mail phone telephone mobile fax surname lastname firstname forename fullname address street ssn passport iban")
_PERSONAL_PAIRS = (("first", "name"), ("last", "name"), ("full", "name"), ("given", "name"), ("family", "name"), ("ip", "address"))
_PEOPLE = _words(
    "customer client user patient person member subscriber employee applicant borrower passenger student account household subject"
)
#: A text that says who somebody is has more values than this.
_FEW_NAMES = 20
_FORMS = {
    "email": "its values are e-mail addresses",
    "phone": "its values are telephone numbers",
    "address": "its values are network addresses",
}

#: What a right and a wrong decision of each task is called in `problem.value`.
_WORTH: Mapping[str, tuple[str, str]] = {
    "binary": ("true_positive", "false_positive"),
    "multiclass": ("right", "wrong"),
    "regression": ("over", "under"),
}
_EXAMPLE_WORTH: Mapping[str, tuple[int, int]] = {"binary": (12, -3), "multiclass": (1, -1), "regression": (-1, -1)}
#: The metric by which each task's challengers must not lose, and by how much they may.
_STEADY: Mapping[str, tuple[str, float]] = {"binary": ("log_loss", 0.005), "multiclass": ("log_loss", 0.01), "regression": ("rmse", 0.01)}
_EXAMPLES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "binary": {
        "good": {"kind": "at_least", "metric": "roc_auc", "limit": 0.65},
        "calibrated": {"kind": "at_most", "metric": "calibration_error", "limit": 0.05},
    },
    "multiclass": {"good": {"kind": "at_least", "metric": "accuracy", "limit": 0.8}},
    "regression": {"good": {"kind": "at_least", "metric": "r2", "limit": 0.5}},
}


def target_words(column: Trait) -> bool:
    """Whether the name says that this is what somebody wants to know."""
    return column.name.lower() == "y" or not _TARGET.isdisjoint(column.words)


def time_words(column: Trait) -> int:
    """2 where the name says when something begins, -2 where it says when it ends, else 0."""
    if not _ENDS.isdisjoint(column.words):
        return -2
    return 0 if _WHEN.isdisjoint(column.words) else 2


def identifies(column: Trait) -> bool:
    """Whether the name says that the values are names of something.

    >>> [identifies(Trait(name, "int", "number", 0, 9)) for name in ("storeId", "flight_no", "no_of_flights", "order_amount")]
    [True, True, False, False]
    """
    words = column.words
    if not words or not _MEASURES.isdisjoint(words):
        return False
    return not (_NAMES | _THINGS).isdisjoint(words) or words[-1] in _NUMBERED


def counts_rows(column: Trait, rows: int) -> bool:
    """Whether the values are the numbers of the rows: different in each, and without a hole.

    >>> counts_rows(Trait("n", "int", "number", 0, 3, least=1, most=3), 3)
    True
    """
    if column.dtype != "int" or column.distinct != rows or rows < 3 or column.least is None or column.most is None:
        return False
    return column.most - column.least == rows - 1


def numbers_rows(column: Trait) -> bool:
    """Whether the name says no more than that the rows are numbered."""
    return not column.words or not _COUNTERS.isdisjoint(column.words)


def of_birth(column: Trait) -> bool:
    """Whether the name speaks of a birth, which is no moment of a decision."""
    return not _BIRTH.isdisjoint(column.words)


def of_age(column: Trait) -> bool:
    """Whether the name may say how old somebody is."""
    return "age" in column.words or of_birth(column)


def of_people(column: Trait, rows: int) -> tuple[dict[str, bool | str], str] | None:
    """What a column says about people, where its name or its values show that it does: a setting, and why."""
    words = set(column.words)
    if not _PROTECTED.isdisjoint(words):
        return {"protected": True}, "by its name a protected trait: measured, never a feature"
    if column.form in _FORMS:
        return {"personal": True}, f"{_FORMS[column.form]}: not taken"
    paired = any(set(pair) <= words for pair in _PERSONAL_PAIRS)
    named = column.name.lower() == "name" and column.dtype == "text" and column.distinct > 0.5 * rows
    if column.dtype == "text" and column.distinct > _FEW_NAMES and (paired or named or not _PERSONAL.isdisjoint(words)):
        return {"personal": True}, "by its name personal: not taken"
    whose = column.dtype in ("int", "text") and column.distinct >= 10 and not _PEOPLE.isdisjoint(words)
    if whose and (identifies(column) or len(words) == 1):
        return {"subject": True}, "by its name whose row it is: kept as a keyed hash"
    return None


def kept_out(found: tuple[Mapping[str, bool | str], str] | None) -> bool:
    """Whether what a column says about people keeps it from naming rows."""
    return found is not None and not {"personal", "protected"}.isdisjoint(found[0])


def worth(task: str, given: Sequence[float]) -> dict[str, float]:
    """`problem.value` of what a right and a wrong decision are worth.

    Raises
    ------
    BadArgument
        Not two numbers, or a task for which nobody knows what they mean.
    """
    if not given:
        return {}
    if len(given) != 2 or task not in _WORTH:
        fix = "two numbers, as in --value 12,-3: what a right decision is worth, and a wrong one"
        raise errors.BadArgument("the value of decisions cannot be read", at="--value", fix=fix)
    return dict(zip(_WORTH[task], map(float, given), strict=True))


def worth_example(task: str) -> dict[str, int]:
    """What `problem.value` might say, to show its form."""
    return dict(zip(_WORTH[task], _EXAMPLE_WORTH[task], strict=True)) if task in _WORTH else {}


def finds_one(task: str) -> bool:
    """Whether a task has one value to find."""
    return "true_positive" in _WORTH.get(task, ())


def has_classes(task: str) -> bool:
    """Whether a task chooses among values, so that rare ones matter."""
    return "over" not in _WORTH.get(task, ())


def gate_examples(task: str) -> Mapping[str, Mapping[str, Any]]:
    """Gates with limits that only the owner can know, to show their form."""
    return _EXAMPLES.get(task, {})


def gates(task: str, spread: float | None) -> dict[str, dict[str, Any]]:
    """The gates that need no limit of the owner's: a challenger may not be worse than the champion."""
    if task not in _STEADY:
        return {}
    metric, margin = _STEADY[task]
    if task == "regression" and spread:
        margin = float(f"{margin * spread:.1g}")
    return {"steady": {"kind": "no_worse_than_champion", "metric": metric, "margin": margin}}
