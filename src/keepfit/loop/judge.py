"""Judge: a candidate against the gates, and against the champion on the same rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from keepfit import digest, errors, record, verdict
from keepfit.candidate import Candidate
from keepfit.evaluation import Evaluation, unmeasured
from keepfit.gate import Gate
from keepfit.ledger import Entry
from keepfit.loop import groups
from keepfit.loop.baselines import Past
from keepfit.loop.fit import Fit, places
from keepfit.loop.measure import Answers, Exam, Suspects, exam, measure, past
from keepfit.loop.models import champion_candidate, evaluation_of, load_model
from keepfit.loop.rows import Rows, known_rows
from keepfit.loop.take import Taken
from keepfit.schema import Schema
from keepfit.snapshot import Snapshot
from keepfit.split import Split
from keepfit.verdict import Verdict
from keepfit.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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
    ours, theirs = _on_common_rows(ws, fit, champion, taken) if champion else (_judged_alone(ws, fit, taken), None)
    return record_verdict(ws, ours, theirs, cause=cause, now=now)


def rules(ws: Workspace) -> str:
    """The digest of the gates with all their options."""
    return digest.of_value({name: [gate.kind, record.plain(_options(gate))] for name, gate in ws.gates.items()})


def _options(gate: Gate) -> dict[str, Any]:
    return gate.model_dump(mode="json") if isinstance(gate, BaseModel) else {}


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
        "each_rule": {name: digest.of_value(record.plain(gate)) for name, gate in ws.spec.gates.items()},
        "artifacts": artifacts,
        **(extra or {}),
    }
    entry = ws.append("verdict", [*cause, rules(ws)], body, at=now)
    return Judged(answer, candidate, champion, entry)


def score_both(
    ws: Workspace, rows: Rows, known: Schema, candidates: list[Candidate], *, classes: tuple[Any, ...], asked: Exam | None = None
) -> list[tuple[Evaluation, Any]]:
    """Score several candidates on the same rows, whose truth is among `classes`: their evaluations and outputs.

    Slices are those that were suspected of the first candidate of which any were looked for; baselines know what the
    newest candidate learned from. `asked` is the exam, where it was made before.
    """
    newest = max(candidates, key=lambda one: (len(one.id), one.id))
    if asked is None:
        learned, now = _learned(ws, newest, known, classes), past(rows.frame, rows.truth, known)
        asked = exam(ws, rows, known, classes, learned=learned, before=learned.and_(now) if learned else None)
    suspected = _suspected(ws, candidates)
    scored = []
    for candidate in candidates:
        outputs = ws.task.under(load_model(ws, candidate).predict(rows.frame), candidate.classes, classes)
        answers = Answers(candidate.id, outputs, candidate.threshold, candidate.serving)
        scored.append((measure(ws, asked, answers, suspected), outputs))
    return scored


def _learned(ws: Workspace, candidate: Candidate, known: Schema, classes: tuple[Any, ...]) -> Past | None:
    """What is known of the rows that a candidate learned from; None where its snapshots are gone."""
    import numpy as np
    import polars as pl  # the command line starts without it

    named = dict.fromkeys(name for name in (known.target, known.time, *known.key) if name is not None)
    columns = [column for name in named if not (column := known[name]).private]
    try:
        frame = pl.concat([ws.tables.read(ws.artifacts.get_record(Snapshot, one), columns) for one in candidate.snapshots])
    except errors.CannotRead:
        return None
    truth = ws.task.truth(frame[known.target], classes)
    there = ~np.isnan(truth)
    if known.time and candidate.fitted_before:
        there &= (frame[known.time] < candidate.fitted_before).to_numpy()
    return past(frame.filter(pl.Series(there)), truth[there], known)


def _suspected(ws: Workspace, candidates: list[Candidate]) -> Suspects:
    """The slices that were suspected when one of the candidates was fitted; of a refitted one, when its recipe was chosen."""
    named = {candidate.id for candidate in candidates}
    fits = [entry for entry in ws.ledger.entries(kind="fit") if entry.body["artifacts"].get("evaluation")]
    for entry in [*(one for one in fits if one.body["candidate"] in named), *reversed(fits)]:
        found = evaluation_of(ws, entry)
        if found is not None and found.suspected is not None:
            return [one.conditions for one in found.slices]
    return None


def _judged_alone(ws: Workspace, fit: Fit, taken: Taken) -> Evaluation:
    """The evaluation of a candidate without a champion: the one of its fit, with groups that gates ask for since then."""
    assert fit.evaluation is not None
    wanted = set(groups.columns(ws, taken.schema, full=False)) - set(fit.evaluation.groups)
    if not wanted or fit.candidate.final_fit == "all" or fit.candidate.split is None:
        return fit.evaluation
    rows = known_rows(ws, [taken], taken.schema, fit.candidate.classes)
    spots = places(ws, rows, taken.schema)
    return _scored_again(ws, fit, taken, rows, spots.test, spots.development, [fit.candidate])[0]


def _on_common_rows(ws: Workspace, fit: Fit, champion: Candidate, taken: Taken) -> tuple[Evaluation, Evaluation]:
    """Both measured on the test rows that are new to both; where they are too few, the champion is not measured at all."""
    assert fit.evaluation is not None
    if fit.candidate.final_fit == "all" or fit.candidate.split is None:
        # The judged model is the one fitted on development rows; one fitted on all rows has seen the test.
        return fit.evaluation, unmeasured(champion.id, fit.evaluation, "a model fitted on all rows cannot be compared on them")
    rows = known_rows(ws, [taken], taken.schema, fit.candidate.classes)
    spots = places(ws, rows, taken.schema)
    common = spots.test & _new_to(ws, champion, rows, taken.schema, spots.split.by)
    count = int(common.sum())
    if count < FEWEST_COMMON_ROWS:
        why = f"{count} of the {int(spots.test.sum()):,} test rows are new to the champion too, and {FEWEST_COMMON_ROWS} are needed"
        return fit.evaluation, unmeasured(champion.id, fit.evaluation, why)
    if rows.truth[common].min() == rows.truth[common].max():
        why = f"the {count} test rows that are new to the champion too have one outcome only"
        return fit.evaluation, unmeasured(champion.id, fit.evaluation, why)
    ours, theirs = _scored_again(ws, fit, taken, rows, common, spots.development, [fit.candidate, champion])
    return ours, theirs


def _new_to(ws: Workspace, champion: Candidate, rows: Rows, known: Schema, by: str) -> NDArray[np.bool_]:
    """Which rows the champion was neither fitted, tuned nor calibrated on, as far as time or the place of a key tells."""
    import numpy as np

    if known.time is not None and champion.fitted_before is not None:
        return np.asarray((rows.frame[known.time] >= champion.fitted_before).to_numpy())
    alike = champion.split is not None and ws.artifacts.get_record(Split, champion.split).by == by
    return np.full(rows.count, alike and champion.final_fit != "all")


def _scored_again(
    ws: Workspace,
    fit: Fit,
    taken: Taken,
    rows: Rows,
    common: NDArray[np.bool_],
    development: NDArray[np.bool_],
    candidates: list[Candidate],
) -> list[Evaluation]:
    """Candidates on some of the test rows; what the fit measured of its own candidate beside the metrics is kept."""
    assert fit.evaluation is not None
    known, asked = taken.schema, rows.where(common)
    learned, before = (past(part.frame, part.truth, known) for part in (rows.where(development), rows))
    questions = exam(ws, asked, known, fit.candidate.classes, learned=learned, before=before, taken=[taken])
    found = [one for one, _ in score_both(ws, asked, known, candidates, classes=fit.candidate.classes, asked=questions)]
    first = replace(found[0], importance=fit.evaluation.importance, serving=fit.evaluation.serving)
    return [first, *found[1:]]
