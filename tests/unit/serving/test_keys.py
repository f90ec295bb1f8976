"""What a key opens, what is limited, and what is counted of it."""

from __future__ import annotations

import asyncio
import json

from keepfit.access import allows, hash_of, new_secret
from keepfit.serving.counters import Counters, Sample, shared_memory
from keepfit.serving.duty import Duty, Limits
from keepfit.serving.rates import Rates

SECRETS = {scope: new_secret() for scope in ("predict", "label", "admin")}
KEYS = tuple((hash_of(secret), (scope,)) for scope, secret in SECRETS.items())


def with_key(scope):
    return {"Authorization": f"Bearer {SECRETS.get(scope, scope)}", "Keepfit-Now": "2024-03-01T09:00Z"}


def ask_all(client, row, headers):
    """What each kind of route answers to a key."""
    return {
        "predict": client.ask("POST", "/v1/predict", headers=headers, json={"rows": [row]}).status_code,
        "label": client.ask("POST", "/v1/labels", headers=headers, json={"labels": [{"prediction": "a", "value": True}]}).status_code,
        "metrics": client.ask("GET", "/metrics", headers=headers).status_code,
        "ready": client.ask("GET", "/readyz", headers=headers).status_code,
    }


def test_without_a_key_in_force_none_is_asked_for(trees, row):
    assert set(ask_all(trees, row, {"Keepfit-Now": "2024-03-01T09:00Z"}).values()) == {200}


def test_a_key_opens_its_scope_and_admin_opens_all(trees, row):
    trees.app.duty = Duty("r1", keys=KEYS, guarded=True)
    expected = {
        "predict": {"predict": 200, "label": 403, "metrics": 403, "ready": 200},
        "label": {"predict": 403, "label": 200, "metrics": 403, "ready": 200},
        "admin": {"predict": 200, "label": 200, "metrics": 200, "ready": 200},
        "kf_unknown": {"predict": 401, "label": 401, "metrics": 401, "ready": 200},
    }
    for scope, answers in expected.items():
        assert ask_all(trees, row, with_key(scope)) == answers, scope
    assert ask_all(trees, row, {"Keepfit-Now": "2024-03-01T09:00Z"})["predict"] == 401


def test_a_refusal_says_how_a_key_is_sent_and_does_not_repeat_it(trees, row):
    trees.app.duty = Duty("r1", keys=KEYS, guarded=True)
    answer = trees.ask("POST", "/v1/predict", headers=with_key("kf_wrong-one"), json={"rows": [row]})
    assert (answer.json()["code"], answer.headers["www-authenticate"]) == ("KF405", "Bearer")
    assert "wrong-one" not in answer.text
    for odd in ("Basic a2Y6", "Bearer", "bearer \udcff".encode("latin-1", "replace").decode("latin-1"), ""):
        assert trees.ask("GET", "/v1/release", headers={"Authorization": odd}).status_code == 401


def test_a_key_that_is_revoked_opens_nothing_from_the_next_request_on(trees, row):
    trees.app.duty = Duty("r1", keys=KEYS, guarded=True)
    assert ask_all(trees, row, with_key("label"))["label"] == 200
    trees.app.duty = Duty("r1", keys=KEYS[:1], guarded=True)
    assert ask_all(trees, row, with_key("label"))["label"] == 401
    trees.app.duty = Duty("r1", guarded=True)  # the last one is revoked: nothing is open then
    assert ask_all(trees, row, with_key("predict")) == {"predict": 401, "label": 401, "metrics": 401, "ready": 200}


def test_behind_what_admits_predict_is_open_and_all_else_closed(make, row):
    client = make(open=True)
    bare = {"Keepfit-Now": "2024-03-01T09:00Z"}
    assert ask_all(client, row, bare) == {"predict": 200, "label": 401, "metrics": 401, "ready": 200}
    client.app.duty = Duty("r1", keys=KEYS, guarded=True)
    assert ask_all(client, row, bare) == {"predict": 200, "label": 401, "metrics": 401, "ready": 200}
    assert ask_all(client, row, with_key("admin")) == {"predict": 200, "label": 200, "metrics": 200, "ready": 200}


def test_a_secret_is_random_and_compared_in_full():
    known = [(hash_of("a"), ("predict",)), (hash_of("b"), ("admin",)), (hash_of("c"), ())]
    assert [allows(secret, known, "predict") for secret in "abcd"] == [True, True, False, None]
    assert allows("a", known, "label") is False
    assert len({new_secret() for _ in range(100)}) == 100


def test_a_client_that_asks_too_often_waits_and_others_do_not(make, row):
    client = make(limits=Limits(rate=3))

    def ask(peer):
        return client.ask("GET", "/v1/release", peer=peer)

    while True:  # within one second of the clock
        answers = [ask("10.0.0.1") for _ in range(5)]
        if [answer.status_code for answer in answers].count(429) == 2:
            break
    assert (answers[-1].json()["code"], answers[-1].headers["retry-after"]) == ("KF407", "1")
    assert ask("10.0.0.2").status_code == 200
    assert client.ask("GET", "/livez", peer="10.0.0.1").status_code == 200


def test_rates_are_counted_over_all_workers():
    descriptor = shared_memory()
    workers = [Rates(4, descriptor=descriptor) for _ in range(2)]
    assert [workers[number % 2].allows(b"a", 100.5) for number in range(6)] == [True] * 4 + [False] * 2
    assert workers[0].allows(b"a", 101.0)
    assert all(Rates(0).allows(b"a", 1.0) for _ in range(10))


def test_more_requests_than_a_worker_takes_are_refused(make, row):
    client = make(durability="disk", limits=Limits(concurrency=2))
    body = json.dumps({"rows": [row]}).encode()

    async def five():
        return await asyncio.gather(*(client.respond("POST", "/v1/predict", body=body) for _ in range(5)))

    answers = client.runner.run(five())
    assert [answer.status_code for answer in answers] == [200, 200, 503, 503, 503]
    assert answers[-1].json()["code"] == "KF408"
    assert client.predict(row).status_code == 200


def test_counters_of_all_processes_are_added_up_and_outlive_each():
    descriptor = shared_memory()
    parts = [Counters(["/a", "none"], parts=3, part=part, descriptor=descriptor) for part in range(3)]
    for part, counters in enumerate(parts):
        counters.add(counters.place("keepfit_labels_total"), part + 1)
        counters.put(counters.place("keepfit_connections"), 10)
        counters.answered("/a", 200, 3_000_000)
        counters.answered("/a", 418, 40_000_000_000)
    parts[0] = Counters(["/a", "none"], parts=3, part=0, descriptor=descriptor)  # the one that takes a dead worker's place
    parts[0].clear()
    assert parts[2].total("keepfit_labels_total") == 6
    assert parts[1].total("keepfit_connections") == 20
    said = parts[0].expose([Sample("keepfit_x", "x", 1, {"name": 'a"\\\n'})])
    assert 'keepfit_requests_total{route="/a",status="200"} 3\n' in said
    assert 'keepfit_requests_total{route="/a",status="500"} 3\n' in said  # a status that is not counted by itself
    assert 'keepfit_request_seconds_bucket{route="/a",le="0.0025"} 0\n' in said
    assert 'keepfit_request_seconds_bucket{route="/a",le="0.005"} 3\n' in said
    assert 'keepfit_request_seconds_bucket{route="/a",le="+Inf"} 6\n' in said
    assert 'keepfit_request_seconds_sum{route="/a"} 120.009\n' in said
    assert 'keepfit_x{name="a\\"\\\\\\n"} 1\n' in said


def test_what_is_exposed_has_one_head_for_each_name(trees, row):
    trees.predict(row, row | {"shop": "never seen"})
    text = trees.ask("GET", "/metrics").text
    heads = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(heads) == len(set(heads))
    names = {line.split("{")[0].split()[0] for line in text.splitlines() if not line.startswith("#")}
    assert {name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") for name in names} <= set(heads) | names
    assert 'keepfit_release_info{project="returns",release="r1",role="champion"} 1' in text
    assert "keepfit_warnings_total 1\n" in text
    assert all(line.split()[2].endswith("_total") for line in text.splitlines() if line.startswith("# TYPE") and line.endswith("counter"))
