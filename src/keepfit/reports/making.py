"""How a candidate was made, and every number that was measured of it."""

from __future__ import annotations

from keepfit.evaluation import BASELINES, Evaluation
from keepfit.instant import show
from keepfit.loop.report import Report
from keepfit.reports import metrics
from keepfit.reports.numbers import between, count, interval, number, signed
from keepfit.reports.page import Block, Facts, Section, Table, Text

__all__ = ["evidence", "made"]

_UNITS = {"day": "whole days together", "subject": "whole subjects together", "key": "each row by itself"}


def evidence(report: Report) -> Section | None:
    """Every number with its interval."""
    evaluation = report.evaluation
    if evaluation is None or not evaluation.count:
        return None
    blocks: list[Block] = [
        Text(
            f"Measured on {count(evaluation.count)} rows that it never saw. The intervals are for 95 % and take "
            f"{_UNITS.get(evaluation.unit, evaluation.unit)}."
        ),
        Table(
            "Every metric",
            ("metric", "value", "95 % interval", "better is", "what it is"),
            tuple(
                (metrics.title(name), number(one.value), interval(one.low, one.high), one.better, metrics.meaning(name))
                for name in metrics.ordered(evaluation.metrics, evaluation.selects)
                for one in (evaluation.metrics[name],)
            ),
            frozenset({1}),
        ),
        *_decisions(report, evaluation),
        *_beside(report, evaluation),
    ]
    if evaluation.left_out:
        listed = tuple((metrics.title(name), why) for name, why in evaluation.left_out.items())
        blocks.append(Table("What could not be measured", ("metric", "why"), listed))
    if report.verdict and report.verdict.outcomes:
        listed_gates = tuple((one.gate, one.kind, one.status.replace("_", " "), one.because) for one in report.verdict.outcomes)
        blocks.append(Table("The gates", ("gate", "rule", "outcome", "because"), listed_gates))
    if report.tested and report.tested.reproduced is not None:
        said = "came out as they are recorded" if report.tested.reproduced else "did NOT come out as they are recorded: look into it"
        blocks.append(
            Text(
                f"For this report the model scored its test rows again: the rows and {metrics.title(evaluation.selects)} {said}.",
                aside=True,
            )
        )
    return Section("evidence", "The evidence", tuple(blocks))


def _decisions(report: Report, evaluation: Evaluation) -> list[Block]:
    rows = sum(evaluation.counts.values()) or 1
    listed = tuple(
        (report.about.counted.get(name, (name.replace("_", " "), True))[0], count(found), number(1000 * found / rows))
        for name, found in evaluation.counts.items()
    )
    return [Table("What the decisions came to", ("decision", "rows", "of 1,000"), listed, frozenset({1, 2}))] if listed else []


def _beside(report: Report, evaluation: Evaluation) -> list[Block]:
    """What it gains over answers that need no model, and over the champion that it was judged against."""
    listed = []
    for name, gains in report.gains.items():
        for gain in gains:
            theirs = evaluation.baselines.get(name, {}).get(gain.metric)
            word = "better" if gain.low > 0 else "worse" if gain.high < 0 else "not clear"
            against = number(theirs.value) if theirs else "on their common rows"
            listed.append(
                (BASELINES.get(name, name), metrics.title(gain.metric), against, signed(gain.value), interval(gain.low, gain.high), word)
            )
    heads = ("against", "metric", "its value", "gain", "95 % interval", "this one is")
    return (
        [Table("Against what needs no model, and against the champion, pair by pair", heads, tuple(listed), frozenset({2, 3}))]
        if listed
        else []
    )


def made(report: Report) -> Section:
    """From what it was made, and with what."""
    candidate, split = report.candidate, report.made.split
    pairs = [
        ("candidate", candidate.id + (f", released as {report.release} ({report.role})" if report.release else " (not released)")),
        ("task", f"{report.about.task}, target {report.about.target}"),
        ("estimator", f"{candidate.estimator}, answered by the predictor {candidate.predictor}"),
        ("difference", f"{number(candidate.difference)} at most between what was evaluated and what is served"),
        ("recipe", f"best of {candidate.trials} recipes tried" if candidate.trials else "defaults, or the champion's recipe"),
        ("learned from", f"{count(candidate.fitted_rows)} rows" + (f", {between(*report.made.learned)}" if report.made.learned else "")),
        ("final fit", "without the test rows" if candidate.final_fit == "development" else "on every row that was known"),
        ("threshold", number(candidate.threshold)),
        ("calibration", "a line through the log odds" if candidate.calibration else "none: it did not clearly help"),
        ("seed", str(candidate.seed)),
    ]
    if split is not None:
        gap = f", with a gap of {split.gap}" if split.gap.microseconds else ""
        begins = f"; the test begins at {show(split.test_begin)}" if split.test_begin else ""
        pairs.append(("split", f"by {split.by}{gap}{begins}"))
    if candidate.serving is not None:
        one = candidate.serving
        pairs.append(("answering", f"{number(one.median)} µs for one row, {number(one.slow)} µs for 99 of 100; {count(one.size)} bytes"))
    blocks: list[Block] = [Facts(tuple(pairs))]
    if candidate.tried:
        listed = tuple((name, number(value)) for name, value in sorted(candidate.tried.items(), key=lambda one: one[1]))
        blocks.append(Table("The best of each estimator on the folds", ("estimator", "loss"), listed, frozenset({1})))
    if candidate.parameters:
        chosen = tuple((name, str(value)) for name, value in candidate.parameters.items())
        blocks.append(Table("The parameters", ("parameter", "value"), chosen, frozenset({1}), folded=True))
    blocks.append(_digests(report))
    blocks.append(Table("The libraries", ("library", "version"), tuple(candidate.versions.items()), folded=True))
    return Section("made", "How it was made", tuple(blocks))


def _digests(report: Report) -> Table:
    """What names the inputs exactly: who has them can check that they are the same."""
    candidate = report.candidate
    listed = [
        (f"snapshot of {one.origin}, {count(one.rows)} rows", name)
        for one, name in zip(report.made.snapshots, candidate.snapshots, strict=True)
    ]
    listed += [("schema", candidate.schema), ("reference profile", candidate.profile)]
    listed += [("split", candidate.split)] if candidate.split else []
    listed += [(f"model file {name}", named) for name, named in candidate.files.items()]
    listed += [("rows that it was tested on", report.evaluation.rows)] if report.evaluation else []
    head = report.about.head
    listed += [(f"entry of its {kind} in the ledger", str(seq)) for kind, seq in report.made.entries.items()]
    listed.append((f"head of the ledger, entry {head.seq}", head.hash))
    return Table("What it was made from, by digest", ("what", "digest"), tuple(listed), codes=frozenset({1}), folded=True)
