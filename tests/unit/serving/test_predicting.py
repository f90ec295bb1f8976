"""Who answers a row, what a retry gets, and what the shadow says."""

from __future__ import annotations

import time

import pytest

from keepfit.prediction import Prediction, subject_token
from keepfit.serving import recent
from keepfit.serving.answering import place_of
from keepfit.serving.recent import Given, Recent


def refused(answer, status, at):
    assert (answer.status_code, answer.json()["at"]) == (status, at), answer.text
    return answer.json()


def test_a_retry_under_the_same_ids_gets_the_same_answer_and_is_kept_once(trees, row):
    first = trees.predict(row, row | {"price": 1.0}, ids=["a", "b"]).json()
    again = trees.predict(row | {"price": 2.0}, row, ids=["c", "a"]).json()["predictions"]
    assert "replayed" not in first["predictions"][0]
    assert again[1] == first["predictions"][0] | {"replayed": True}
    assert "replayed" not in again[0]
    assert [one.id for one in trees.kept("predictions", Prediction)] == ["a", "b", "c"]
    assert trees.counters.total("keepfit_replayed_total") == 1


def test_a_retry_after_a_promotion_gets_the_answer_of_the_release_that_gave_it(trees, another, row):
    first = trees.predict(row, ids=["a"]).json()
    trees.take(another("v1-linear", "r2"))
    again = trees.predict(row, row, ids=["a", "b"]).json()
    assert again["release"] == "r2"
    assert again["predictions"][0] == first["predictions"][0] | {"replayed": True, "release": "r1"}
    assert again["predictions"][1]["score"] != first["predictions"][0]["score"]


def test_an_id_is_for_one_row(trees, row):
    trees.predict(row, ids=["a"])
    problem = refused(trees.predict(row, row | {"price": 11.0}, ids=["b", "a"]), 409, "ids[1]")
    assert problem["code"] == "KF409"
    assert [one.id for one in trees.kept("predictions", Prediction)] == ["a"]


def test_answers_are_remembered_for_ten_minutes_and_the_oldest_go_first():
    now = [0.0]
    held = Recent(most=3, clock=lambda: now[0])
    for name in "abcd":
        held.keep(name, Given(name, 0))
    assert [held.get(name) is not None for name in "abcd"] == [False, True, True, True]
    now[0] = recent.KEPT_FOR
    assert held.get("d") is None
    held.keep("e", Given("e", 0))
    assert len(held) == 1


@pytest.mark.parametrize("ids", [["tab\there"], ["line\nbreak"], ["\x1b[31m"], ["\u202e"], ["zero\u200bwidth"], [""], ["x" * 201]])
def test_an_id_is_printable(trees, row, ids):
    refused(trees.predict(row, ids=ids), 422, "ids")


def test_an_id_may_be_in_any_script(trees, row):
    assert trees.predict(row, ids=["注文-7 🛒 é"]).json()["predictions"][0]["id"] == "注文-7 🛒 é"
    assert [one.id for one in trees.kept("predictions", Prediction)] == ["注文-7 🛒 é"]


def test_subjects_may_stand_beside_the_rows_and_are_kept_as_tokens(trees, row):
    assert trees.predict(row, row, row | {"member": "carl"}, subjects=["anna", None, "ignored"]).status_code == 200
    kept = trees.kept("predictions", Prediction)
    assert [one.subject for one in kept] == [subject_token(b"secret", "anna"), None, subject_token(b"secret", "carl")]
    refused(trees.predict(row, row, subjects=["anna"]), 422, "subjects")


def test_a_canary_answers_its_share_and_one_subject_sees_one_model(trees, another, row):
    champion, canary = trees.app.answering.champion, another("v1-linear", "r2")
    trees.take(champion, canary=canary, share=0.25)
    people = [f"person {number}" for number in range(200)]
    said = trees.predict(*[row] * 400, subjects=people * 2).json()
    by = [one.get("release", said["release"]) for one in said["predictions"]]
    assert by[:200] == by[200:]
    assert 20 < by[:200].count("r2") < 80
    assert {one.role for one in trees.kept("predictions", Prediction) if one.release == "r2"} == {"canary"}
    assert trees.counters.total("keepfit_predictions_total", "canary") == by.count("r2")
    trees.take(champion, canary=canary, share=0.5)
    grown = trees.predict(*[row] * 200, subjects=people).json()["predictions"]
    assert all(one.get("release") == "r2" for one, before in zip(grown, by, strict=False) if before == "r2")


def test_without_a_subject_the_key_says_who_answers(trees, another, row):
    trees.take(trees.app.answering.champion, canary=another("v1-linear", "r2"), share=0.5)
    rows = [row | {"order": number} for number in range(60)]
    first, second = ([one.get("release", "r1") for one in trees.predict(*rows).json()["predictions"]] for _ in range(2))
    assert first == second
    assert {"r1", "r2"} == set(first)


def test_a_canary_that_cannot_answer_fails_nobody(trees, another, row, monkeypatch):
    canary = another("v1-linear", "r2", lambda form: form | {"inputs": [*form["inputs"], "size"]} | without_nulls(form, "size"))
    trees.take(trees.app.answering.champion, canary=canary, share=1.0)
    said = trees.predict(row, {name: value for name, value in row.items() if name != "size"}).json()
    assert [one.get("release") for one in said["predictions"]] == ["r2", None]  # the second row lacks what the canary needs

    def broken(rows):
        from keepfit.errors import BadRelease

        raise BadRelease("the model gave a number that is not finite", at="r2")

    monkeypatch.setattr(canary, "answers", broken)
    assert [one.get("release") for one in trees.predict(row, row).json()["predictions"]] == [None, None]
    assert trees.counters.total("keepfit_canary_failures_total") == 2


def without_nulls(form, name):
    return {"columns": [column | ({"nullable": False} if column["name"] == name else {}) for column in form["columns"]]}


def test_the_place_of_a_subject_is_even_and_differs_from_canary_to_canary():
    places = [place_of(f"person {number}", "r2") for number in range(2000)]
    assert abs(sum(places) / 2000 - 0.5) < 0.03
    others = [place_of(f"person {number}", "r3") for number in range(2000)]
    assert 0.4 < sum((one < 0.5) == (other < 0.5) for one, other in zip(places, others, strict=True)) / 2000 < 0.6


def test_a_shadow_answers_for_the_log_alone_after_the_response(trees, another, row):
    shadow = another("v1-linear", "r2")
    trees.take(trees.app.answering.champion, shadow=shadow)
    said = trees.predict(row, row | {"price": 1.0}, ids=["a", "b"], subjects=["anna", None]).json()
    trees.settle()
    kept = trees.kept("predictions", Prediction)
    assert [one.role for one in kept[:2]] == ["champion", "champion"]  # they were on record before the response left
    assert [(one.id, one.release, one.role) for one in kept[2:]] == [("a", "r2", "shadow"), ("b", "r2", "shadow")]
    assert kept[2].outputs == dict(shadow.answer(row).outputs) != kept[0].outputs
    assert (kept[2].at, kept[2].subject, kept[2].key) == (kept[0].at, kept[0].subject, kept[0].key)
    assert "r2" not in str(said)
    assert trees.counters.total("keepfit_predictions_total", "shadow") == 2
    trees.predict(row, ids=["a"])  # a retry is no new row
    trees.settle()
    assert len(trees.kept("predictions", Prediction)) == 4


def test_a_shadow_in_trouble_costs_no_answer(trees, another, row):
    needing = another("v1-linear", "r2", lambda form: form | without_nulls(form, "size"))
    trees.take(trees.app.answering.champion, shadow=needing)
    assert trees.predict({name: value for name, value in row.items() if name != "size"}).status_code == 200
    trees.settle()
    assert trees.counters.total("keepfit_shadow_failures_total") == 1


def test_what_waits_for_the_shadow_is_bounded_and_answered_when_the_worker_ends(trees, another, row, monkeypatch):
    monkeypatch.setattr("keepfit.serving.answering.MOST_WAITING", 5)
    trees.take(trees.app.answering.champion, shadow=another("v1-linear", "r2"))
    trees.predict(*[row] * 8)
    assert trees.counters.total("keepfit_shadow_dropped_total") == 3
    trees.app.close()
    assert [one.role for one in trees.kept("predictions", Prediction)].count("shadow") == 5
    assert trees.counters.total("keepfit_shadow_waiting") == 0


def test_of_a_sample_each_record_says_with_which_chance_it_was_kept(make, another, row):
    sampled = make(sample=0.3)
    sampled.take(sampled.app.answering.champion, shadow=another("v1-linear", "r2"))
    said = [one["id"] for one in sampled.predict(*[row] * 400).json()["predictions"]]
    sampled.settle(0.2)
    kept = sampled.kept("predictions", Prediction)
    by_role = {role: {one.id for one in kept if one.role == role} for role in ("champion", "shadow")}
    assert 60 < len(by_role["champion"]) < 180
    assert by_role["champion"] == by_role["shadow"] <= set(said)
    assert {one.sampling for one in kept} == {0.3}


def test_without_a_champion_nothing_is_answered_and_readiness_says_so(trees, row):
    trees.app.answering = None
    assert trees.predict(row).status_code == 503
    ready = trees.ask("GET", "/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "no champion")
    assert trees.ask("GET", "/livez").status_code == 200


def test_a_clock_that_jumps_back_makes_no_id_twice_and_none_that_sorts_before(trees, row, monkeypatch):
    later = time.time_ns()
    first = trees.predict(row).json()["predictions"][0]["id"]
    monkeypatch.setattr(time, "time_ns", lambda: later - 3_600_000_000_000)
    second = trees.predict(row).json()["predictions"][0]["id"]
    assert second[:13] >= first[:13]
    assert first != second
    assert [one.id for one in trees.kept("predictions", Prediction)] == [first, second]
