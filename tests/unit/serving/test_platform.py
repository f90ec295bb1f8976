"""What a cloud's environment says, and the routes that clouds call."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import jsonschema
import pytest

from keepfit import errors
from keepfit.prediction import Prediction
from keepfit.serving.platform import Platform, platform_of, release_in

NOWHERE = Path("/nowhere")
BARE = {"Keepfit-Now": "2024-03-01T09:00Z"}
VERTEX = "/v1/endpoints/123/deployedModels/456"


def found(environ=(), *, told=False, model=NOWHERE, project=False):
    return platform_of(dict(environ), told=told, model=model, project=project)


def test_a_machine_of_one_s_own_is_no_platform(tmp_path):
    assert found() is None
    assert (
        found({"SAGEMAKER_INTERNAL_IMAGE_URI": "x", "AIP_MODEL_DIR": "gs://x", "SERVER_PORT": "80"}) is None
    )  # notebooks and training jobs
    assert found(model=tmp_path, project=True) is None


def test_sagemaker_is_known_by_its_argument_its_port_or_its_folder(tmp_path):
    at = str(tmp_path)
    assert found(told=True) == Platform("sagemaker")
    assert found(told=True, model=tmp_path, project=True) == Platform("sagemaker", model=at)
    assert found(model=tmp_path) == Platform("sagemaker", model=at)
    assert found({"SAGEMAKER_BIND_TO_PORT": "8123"}, model=tmp_path) == Platform("sagemaker", 8123, at)


def test_vertex_names_port_routes_and_folder():
    environ = {"AIP_HTTP_PORT": "7080", "AIP_HEALTH_ROUTE": "/isalive", "AIP_PREDICT_ROUTE": "/ask", "AIP_STORAGE_URI": "/gcs/models/1"}
    assert found(environ, told=True) == Platform("vertex", 7080, "/gcs/models/1", "/ask", "/isalive")
    assert found({"AIP_HTTP_PORT": "8080"}) == Platform("vertex")
    assert found({"AIP_STORAGE_URI": "file:///models/1"}).model == "/models/1"
    assert found({"AIP_STORAGE_URI": ""}) == Platform("vertex")


def test_azure_names_its_folder_port_and_workers():
    assert found({"AZUREML_MODEL_DIR": "/var/m/1"}) == Platform("azure", 5001, "/var/m/1", health_port=5000)
    environ = {"AZUREML_MODEL_DIR": "/var/m/1", "SERVER_PORT": "8080", "WORKER_COUNT": "3"}
    assert found(environ) == Platform("azure", 8080, "/var/m/1", health_port=5000, workers=3)


@pytest.mark.parametrize(
    "environ",
    [
        {"AIP_HTTP_PORT": "http"},
        {"AIP_HTTP_PORT": "0"},
        {"AIP_HTTP_PORT": "65536"},
        {"AIP_HTTP_PORT": "9" * 5000},
        {"AIP_PREDICT_ROUTE": "predict"},
        {"AIP_HEALTH_ROUTE": "/a/{b}"},
        {"AIP_STORAGE_URI": "gs://bucket/model"},
        {"AZUREML_MODEL_DIR": "/m", "SERVER_PORT": "-1"},
        {"AZUREML_MODEL_DIR": "/m", "WORKER_COUNT": "many"},
        {"SAGEMAKER_BIND_TO_PORT": "٨"},
    ],
)
def test_a_variable_that_holds_what_it_cannot_is_named(environ):
    with pytest.raises(errors.BadArgument) as caught:
        found(environ)
    assert caught.value.at in environ
    assert caught.value.fix


def test_the_release_is_found_where_a_platform_wrapped_it(tmp_path):
    with pytest.raises(errors.BadRelease, match="no release"):
        release_in(tmp_path)
    for name in ("returns/1/r1", "returns/2"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "returns/1/r1/release.json").touch()
    assert release_in(tmp_path) == tmp_path / "returns/1/r1" == release_in(tmp_path / "returns/1/r1")
    (tmp_path / "returns/2/release.json").touch()
    with pytest.raises(errors.BadRelease, match="several"):
        release_in(tmp_path)


def test_vertex_is_answered_on_its_own_routes_and_on_those_it_names(make, row):
    client = make(platform=Platform("vertex", predict="/v1/predict", health="/isalive"))
    for path in (f"{VERTEX}:predict", "/v1/predict"):
        answer = client.ask("POST", path, json={"instances": [row], "parameters": {"ids": [path]}})
        assert answer.status_code == 200, answer.text
        assert list(answer.json()) == ["predictions"]
    assert [one.id for one in client.kept("predictions", Prediction)] == [f"{VERTEX}:predict", "/v1/predict"]
    assert [client.ask("GET", path, headers={}).status_code for path in (VERTEX, "/isalive")] == [200, 200]
    assert client.ask("POST", "/v1/predict", json={"rows": [row]}).status_code == 400
    assert 'route="/isalive"' in client.ask("GET", "/metrics").text
    client.app.answering = None
    assert client.ask("GET", "/isalive", headers={}).status_code == 503
    assert make().ask("GET", "/isalive", headers={}).status_code == 404


@pytest.mark.parametrize("form", ["rows", "data", "input_data", "split"])
def test_azure_s_route_takes_rows_in_the_forms_that_its_clients_send(client, row, form):
    split = {"columns": list(row), "index": [0], "data": [list(row.values())]}
    body = {"input_data": split} if form == "split" else {form: [row]}
    answer = client.ask("POST", "/score", json=body | {"ids": ["a"], "subjects": ["anna"]})
    assert answer.status_code == 200, answer.text
    (kept,) = client.kept("predictions", Prediction)
    assert (kept.id, kept.subject is not None) == ("a", True)
    assert client.predict(row, ids=["a"]).json()["predictions"] == [answer.json()["predictions"][0] | {"replayed": True}]


def test_in_azure_s_container_the_stock_server_s_routes_are_there(make, row):
    client = make(platform=Platform("azure"))
    answer = client.ask("GET", "/", headers={})
    assert (answer.status_code, answer.text) == (200, "Healthy")
    assert "POST" in client.ask("OPTIONS", "/score", headers={}).headers["allow"]
    query = urlencode({name: str(value) for name, value in row.items() if value is not None})
    answer = client.ask("GET", f"/score?{query}", headers=BARE)
    assert answer.status_code == 200, answer.text
    assert answer.json()["predictions"][0]["score"] == client.predict(row).json()["predictions"][0]["score"]
    for wrong in ("", "order=hunter2", "order=1&order=2", "order=%ff", "pirce=hunter2"):
        answer = client.ask("GET", f"/score?{wrong}", headers=BARE)
        assert answer.status_code in (400, 422), wrong
        assert "hunter2" not in answer.text
    client.app.answering = None
    assert client.ask("GET", "/", headers={}).status_code == 503


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"{}", b'{"rows": [], "data": []}', b'{"rows": [{}], "more": 1}', b'{"data": [[1]]}', b'{"input_data": {"columns": []}}'],
)
def test_azure_s_route_refuses_what_is_no_request(trees, body):
    answer = trees.ask("POST", "/score", content=body)
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_description_of_azure_s_route_holds_for_a_row(trees, row):
    said = trees.ask("GET", "/swagger.json").json()
    assert (said["swagger"], said["info"]["title"], list(said["paths"])) == ("2.0", "returns", ["/score"])
    schema = said["definitions"]["ServiceInput"] | {"definitions": said["definitions"]}
    jsonschema.validate({"rows": [row]}, schema)
    for wrong in (row | {"pirce": 1}, row | {"price": "1"}, {name: row[name] for name in row if name != "order"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"rows": [wrong]}, schema)


def test_every_protocol_is_open_behind_what_admits_and_all_else_closed(make, row):
    client = make(open=True, platform=Platform("vertex", predict="/ask"))
    asked = {
        "/v1/predict": {"rows": [row]},
        "/invocations": {"instances": [row]},
        "/v1/models/returns:predict": {"instances": [row]},
        f"{VERTEX}:predict": {"instances": [row]},
        "/ask": {"instances": [row]},
        "/score": {"rows": [row]},
    }
    assert {client.ask("POST", path, json=body).status_code for path, body in asked.items()} == {200}
    assert client.ask("POST", "/v1/labels", json={"labels": []}).status_code == 401
    assert client.ask("GET", "/metrics", headers=BARE).status_code == 401
    assert client.ask("GET", "/readyz", headers=BARE).json()["platform"] == "vertex"
    closed = make()
    closed.app.duty = type(closed.app.duty)("r1", guarded=True)
    answers = [closed.ask("POST", path, json=body).status_code for path, body in asked.items() if path != "/ask"]
    assert set(answers) == {401}
    probes = (
        "/ping",
        "/health",
        "/version",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/returns/ready",
        "/v1/models/returns",
        VERTEX,
    )
    assert {closed.ask("GET", path, headers={}).status_code for path in probes} == {200}
