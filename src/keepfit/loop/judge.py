"""Judge: a candidate against the gates, and against the champion on the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from keepfit import digest, record, verdict
from keepfit.candidate import Candidate
from keepfit.evaluation import Evaluation, unmeasured
from keepfit.ledger import Entry
from keepfit.loop.fit import Fit, places
from keepfit.loop.models import champion_candidate, load_model
from keepfit.loop.rows import Rows, evaluate_rows, known_rows, value_of
from keepfit.loop.take import Taken
from keepfit.schema import Schema
from keepfit.split import Split
from keepfit.verdict import Verdict
from keepfit.workspace import Workspace

__all__ = ["Judged", "judge", "record_verdict", "score_both"]

#: With fewer rows that are new to both, a candidate and the champion are not compared.
FEWEST_COMMON_ROWS = 100


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, the evaluations that it rests on, and its entry."""

    verdict: Verdict
    candidate: Evaluation
    champion: Evaluation | None
    entry: Entry


def judge(ws: Workspace, fit: Fit, taken: Taken, *, now: datetime) -> Judged:
    """Judge a candidate on its test rows.

    Where there is a champion, both are scored on the test rows that are new to it; when too few are left, the
    gates that compare are undecided.
    """
    assert fit.evaluation is not None
    champion = champion_candidate(ws, ws.roles())
    if champion and champion.id == fit.candidate.id:
        if past := _newest(ws, champion.id):
            return past
        champion = None
    cause = [fit.candidate.id, champion.id if champion else None]
    if (entry := ws.entry("verdict", [*cause, rules(ws)])) is not None:
        return _read(ws, entry)
    ours, theirs = _on_common_rows(ws, fit, champion, taken) if champion else (fit.evaluation, None)
    return record_verdict(ws, ours, theirs, cause=cause, now=now)


def rules(ws: Workspace) -> str:
    """The digest of the gates as the project file states them."""
    return digest.of_value(record.plain(ws.spec.gates))


def _newest(ws: Workspace, candidate: str) -> Judged | None:
    """The newest verdict on a candidate, when it was given under today's gates."""
    found = [entry for entry in ws.ledger.entries(kind="verdict") if entry.body["candidate"] == candidate]
    return _read(ws, found[-1]) if found and found[-1].body["rules"] == rules(ws) else None


def _read(ws: Workspace, entry: Entry) -> Judged:
    named = entry.body["artifacts"]
    theirs = ws.artifacts.get_record(Evaluation, named["champion_evaluation"]) if "champion_evaluation" in named else None
    answer = ws.artifacts.get_record(Verdict, named["verdict"])
    return Judged(answer, ws.artifacts.get_record(Evaluation, named["evaluation"]), theirs, entry)


def record_verdict(
    ws: Workspace,
    candidate: Evaluation,
    champion: Evaluation | None,
    *,
    cause: list[Any],
    now: datetime,
    extra: dict[str, Any] | None = None,
) -> Judged:
    """Ask the gates and write the verdict down; the same cause under the same gates is answered once."""
    answer = verdict.judge(ws.gates, candidate, champion)
    artifacts = {"verdict": ws.artifacts.put_record(answer), "evaluation": ws.artifacts.put_record(candidate)}
    if champion:
        artifacts["champion_evaluation"] = ws.artifacts.put_record(champion)
    body = {
        "candidate": answer.candidate,
        "champion": answer.champion,
        "status": answer.status,
        "gates": {outcome.gate: outcome.status for outcome in answer.outcomes},
        "rules": rules(ws),
        "artifacts": artifacts,
        **(extra or {}),
    }
    entry = ws.append("verdict", [*cause, rules(ws)], body, at=now)
    return Judged(answer, candidate, champion, entry)


def score_both(
    ws: Workspace, rows: Rows, known: Schema, candidates: list[Candidate], *, classes: tuple[Any, ...]
) -> list[tuple[Evaluation, Any]]:
    """Score several candidates on the same rows, whose truth is among `classes`: their evaluations and outputs."""
    scored = []
    for candidate in candidates:
        outputs = ws.task.under(load_model(ws, candidate).predict(rows.frame), candidate.classes, classes)
        measured = evaluate_rows(candidate.id, ws.task, rows, outputs, known, threshold=candidate.threshold, value=value_of(ws))
        scored.append((measured, outputs))
    return scored


def _on_common_rows(ws: Workspace, fit: Fit, champion: Candidate, taken: Taken) -> tuple[Evaluation, Evaluation]:
    """Both measured on the test rows that are new to both; where they are too few, the champion is not measured at all."""
    assert fit.evaluation is not None
    common = _new_to_both(ws, fit.candidate, champion, taken)
    if common is None or common.count < FEWEST_COMMON_ROWS or common.truth.min() == common.truth.max():
        return fit.evaluation, unmeasured(champion.id, fit.evaluation)
    (ours, _), (theirs, _) = score_both(ws, common, taken.schema, [fit.candidate, champion], classes=fit.candidate.classes)
    return ours, theirs


def _new_to_both(ws: Workspace, candidate: Candidate, champion: Candidate, taken: Taken) -> Rows | None:
    # The judged model is the one fitted on development rows; one fitted on all rows has seen the test.
    if candidate.final_fit == "all" or candidate.split is None:
        return None
    known = taken.schema
    boundaries = ws.artifacts.get_record(Split, candidate.split)
    if boundaries.test_begin is None or known.time is None or champion.fitted_before is None:
        if champion.final_fit == "all":
            return None
        rows = known_rows(ws, [taken], known, candidate.classes)
        return rows.where(places(ws, rows, known).test)
    begin = max(boundaries.test_begin, champion.fitted_before)
    rows = known_rows(ws, [taken], known, candidate.classes)
    return rows.where((rows.frame[known.time] >= begin).to_numpy())
