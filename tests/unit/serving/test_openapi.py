"""The document that a server gives of itself says what it does, and the page tells nothing to those who bring no key."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from keepfit.access import hash_of
from keepfit.serving import health, native
from keepfit.serving.duty import Duty


def said(client, **headers):
    answer = client.ask("GET", "/openapi.json", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def schema(of, name):
    """A schema of the document with what it refers to."""
    return {"$ref": f"#/components/schemas/{name}", "components": of["components"]}


def holds(of, name, value):
    return jsonschema.Draft202012Validator(schema(of, name)).is_valid(value)


@pytest.mark.parametrize("orders", [{}, {"simulated": False}])
@pytest.mark.parametrize("release", ["v1-linear", "v1-trees", "v1-calibrated"])
def test_the_document_is_one_of_openapi_3_1(make, release, orders):
    OpenAPIV31SpecValidator(said(make(release, **orders))).validate()


def test_it_has_every_route_of_ours_and_no_other(trees):
    of = said(trees)
    routes = {(route.method.lower(), route.path) for module in (native, health) for route in module.routes(trees.app)}
    below = {(verb, path.replace("/v1/", "/v1/projects/returns/")) for verb, path in routes if path.startswith("/v1/")}
    assert {(verb, path) for path, verbs in of["paths"].items() for verb in verbs} == routes | below
    assert len({route["operationId"] for verbs in of["paths"].values() for route in verbs.values()}) == len(routes | below)


def test_its_examples_are_answered_and_every_answer_is_as_it_says(client):
    of = said(client)
    examples = of["paths"]["/v1/predict"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    assert len(examples) >= 5
    for number, one in enumerate(examples.values()):
        assert holds(of, "Rows", one["value"])
        answer = client.ask("POST", "/v1/predict", json=one["value"])
        assert answer.status_code == 200, answer.text
        assert holds(of, "Answers", answer.json()), number
    labels = of["paths"]["/v1/labels"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    assert set(labels) == {"by id", "by key"}
    for one in labels.values():
        assert holds(of, "Labels", one["value"])
        assert client.ask("POST", "/v1/labels", json=one["value"]).json() == {"accepted": 1}
    for path, name in (("/v1/release", "Release"), ("/livez", "Live"), ("/readyz", "Ready")):
        assert holds(of, name, client.ask("GET", path).json())
    assert holds(of, "Problem", client.predict({}).json())


def test_no_value_of_a_private_column_is_in_it_and_no_rare_one_of_another(trees):
    text = json.dumps(said(trees), ensure_ascii=False)
    row = said(trees)["components"]["schemas"]["Row"]["properties"]
    assert "examples" not in row["member"]
    assert "examples" not in row["gender"]
    assert row["shop"]["examples"] == ["Ulm", "München", "Bonn", "Köln"]
    assert '"rare"' not in text  # three rows hold it
    assert row["product"]["examples"] == [1, 2, 4, 3, 0]
    assert row["gift"]["examples"] == [False, True]


@pytest.mark.parametrize(
    ("change", "good"),
    [
        ({}, True),
        ({"stock": None}, True),
        ({"price": None}, True),
        ({"order": None}, False),
        ({"product": 1.0}, True),
        ({"product": 1.5}, False),
        ({"product": "1"}, False),
        ({"price": "1"}, False),
        ({"price": True}, False),
        ({"price": 10**400}, False),
        ({"product": 2**63}, False),
        ({"gift": 1}, False),
        ({"shop": "never seen"}, True),
        ({"at": "no time"}, False),
        ({"member": "anna"}, True),
        ({"colour": 1}, False),
    ],
)
def test_a_row_is_good_by_the_document_when_it_is_good_to_the_server(trees, row, change, good):
    assert (trees.predict(row | change).status_code == 200) == good
    if "at" not in change:  # a format is checked only where its library is there
        assert holds(said(trees), "Row", row | change) == good


@pytest.mark.parametrize(
    ("label", "good"),
    [
        ({"prediction": "x", "value": True}, True),
        ({"prediction": "x", "value": None}, True),
        ({"prediction": "x", "value": 1}, False),
        ({"prediction": "x", "value": 1, "name": "stars"}, True),
        ({"prediction": "x", "value": "yes", "name": "returned"}, False),
        ({"key": {"order": 1, "at": "2024-03-01T00:00Z"}, "value": True}, True),
        ({"key": {"order": 1}, "value": True}, False),
        ({"prediction": "x", "key": {"order": 1, "at": "2024-03-01T00:00Z"}, "value": True}, False),
        ({"value": True}, False),
        ({"prediction": "x", "value": True, "more": 1}, False),
    ],
)
def test_a_label_is_good_by_the_document_when_it_is_good_to_the_server(trees, label, good):
    assert holds(said(trees), "Label", label) == good
    assert (trees.label(label).status_code == 200) == good


def test_with_keys_the_document_needs_one_and_says_so(trees):
    assert said(trees)["security"] == []
    trees.app.duty = Duty(keys=((hash_of("kf_secret"), ("predict",)),), guarded=True)
    assert trees.ask("GET", "/openapi.json").status_code == 401
    of = said(trees, Authorization="Bearer kf_secret")
    assert of["security"] == [{"key": []}]
    assert of["paths"]["/livez"]["get"]["security"] == []
    for sample in of["paths"]["/v1/predict"]["post"]["x-codeSamples"]:
        assert "KEEPFIT_KEY" in sample["source"]
    assert "kf_secret" not in json.dumps(of)


def test_another_champion_has_another_document(make, another):
    client = make()
    assert said(client)["info"]["version"] == "r1"
    client.take(another("v1-linear", "r2"))
    assert said(client)["info"]["version"] == "r2"
    client.app.answering = None
    assert client.ask("GET", "/openapi.json").status_code == 503
    assert client.ask("GET", "/docs").status_code == 200


def test_the_page_runs_its_own_script_alone_and_asks_this_server_alone(trees):
    answer = trees.ask("GET", "/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    for name, kind in (("style", "style-src"), ("script", "script-src")):
        (inside,) = re.findall(rf"<{name}>(.*?)</{name}>", answer.text, re.DOTALL)
        assert f"{kind} 'sha256-{base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()}'" in policy
    assert "unsafe" not in policy
    assert "connect-src 'self'" in policy
    assert not re.search(r"""(src|href)=["'](https?:)?//""", answer.text)
    home = trees.ask("GET", "/")
    assert (home.status_code, home.headers["location"]) == (302, "docs")


def test_the_document_stands_in_the_page_only_where_no_key_is_needed(make):
    client = make()
    (inside,) = re.findall(r'id="document">(.*?)</script>', client.ask("GET", "/docs").text, re.DOTALL)
    assert json.loads(inside) == said(client)
    assert not set("<>&") & set(inside)
    client.app.duty = Duty(keys=((hash_of("kf_secret"), ("predict",)),), guarded=True)
    assert "Köln" not in client.ask("GET", "/docs").text
    behind = make(open=True)
    assert "Köln" not in behind.ask("GET", "/docs").text
