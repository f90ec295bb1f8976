"""The server's own routes as an OpenAPI 3.1 document, made from the release that answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keepfit.release import Release
from keepfit.serving.described import answer_schema, examples, key_schema, row_schema, value_schema
from keepfit.serving.duty import Orders
from keepfit.serving.native import MOST_LABELS
from keepfit.serving.served import Served
from keepfit.serving.snippets import labelling, predicting

__all__ = ["document"]

_PROBLEMS = {
    "400": "This is no request: its body is not JSON, or nested too deep.",
    "401": "It needs a key, or the key is not in force.",
    "403": "The key does not open this.",
    "404": "There is nothing here.",
    "408": "The request did not arrive in time.",
    "409": "The id stood for another row before.",
    "413": "There are too many rows, or too many bytes.",
    "415": "The body must be JSON, and not compressed.",
    "422": "A row, id or label does not fit; `at` is its place.",
    "429": "There are too many requests from one client; `Retry-After` says when to come back.",
    "500": "This request could not be answered.",
    "503": "It cannot be answered now; send it again under the same ids after `Retry-After`.",
}
_WRITING = ("400", "408", "409", "413", "415", "422", "429", "500", "503")
_READING = ("429", "500", "503")
_TEXT_OR_NULL = {"type": ["string", "null"]}


def document(served: Served, orders: Orders, *, guarded: bool) -> dict[str, Any]:
    """The document for one release; `guarded` where requests need a key."""
    release = served.release
    operations = _operations(served, orders, guarded)
    paths = {path: {verb: said | {"operationId": name}} for path, verb, name, said in operations}
    for path, verb, name, said in operations:
        if path.startswith("/v1/"):
            of_project = {key: value for key, value in said.items() if key != "x-codeSamples"}
            below = f"/v1/projects/{release.project}/{path.removeprefix('/v1/')}"
            paths[below] = {verb: of_project | {"operationId": f"{name}_of_project", "tags": ["By the project's name"]}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": release.project,
            "version": release.id,
            "summary": release.statement or f"Predicts {release.target}.",
            "description": (
                f"Release {release.id} predicts `{release.target}` ({release.task}). Every answer is on record before it leaves. "
                "Send each row under an id of your own to ask again without being counted twice. Faults are problem documents (RFC 9457) "
                "that name the place and never repeat a value. The same server speaks MLflow's, KServe's and the Open Inference Protocol."
            ),
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": "Ask and tell"}, {"name": "Look after"}, {"name": "By the project's name"}],
        "security": [{"key": []}] if guarded else [],
        "paths": paths,
        "components": _components(served, orders),
        # What the page shows beside.
        "x-target": release.target,
        "x-inputs": list(release.inputs),
        "x-threshold": release.threshold,
        "x-outputs": {f"p{place}": f"chance of {one!r}" for place, one in enumerate(release.classes) if f"p{place}" in served.fields},
        "x-simulated": orders.simulated,
    }


def _operations(served: Served, orders: Orders, guarded: bool) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Path, verb, name and description of every route of ours."""
    release, rows = served.release, examples(served)
    clock = {"parameters": [{"$ref": "#/components/parameters/now"}]} if orders.simulated else {}
    shown: dict[str, Any] = {f"row {number}": {"value": {"rows": [row]}} for number, row in enumerate(rows[:5], 1)}
    shown |= {"several rows": {"value": {"rows": rows[:3], "ids": [f"order-{number}" for number in range(1, len(rows[:3]) + 1)]}}}
    truth = release.classes[-1] if release.classes else 1.0
    told: dict[str, Any] = {"by id": {"value": {"labels": [{"prediction": "the id of a prediction", "value": truth}]}}}
    if release.key:
        told["by key"] = {"value": {"labels": [{"key": {name: rows[0][name] for name in release.key}, "value": truth}]}}
    problems = ("401", "403") if guarded else ()
    predict = {
        "tags": ["Ask and tell"],
        "summary": f"Predict {release.target} for rows",
        **clock,
        "requestBody": _body("Rows", shown),
        "responses": _responses("Answers", "An answer for each row, in their order.", (*_WRITING, *problems)),
        "x-codeSamples": predicting(rows[0], guarded=guarded),
    }
    label = {
        "tags": ["Ask and tell"],
        "summary": "Bring late truth, by a prediction's id or a row's key",
        "description": "All labels of a request are taken or none. One that says what is known already changes nothing.",
        **clock,
        "requestBody": _body("Labels", told),
        "responses": _responses("Accepted", "How many labels were taken.", (*_WRITING, *problems)),
        "x-codeSamples": labelling(truth, guarded=guarded),
    }
    told_of = {
        "tags": ["Ask and tell"],
        "summary": "The release that answers, with its columns",
        "responses": _responses("Release", "The release.", (*_READING, *problems)),
    }
    metrics = {
        "tags": ["Look after"],
        "summary": "Counters of all workers together, as Prometheus reads them",
        "responses": {"200": {"description": "The counters.", "content": {"text/plain": {"schema": {"type": "string"}}}}}
        | {status: {"$ref": f"#/components/responses/{status}"} for status in sorted({*_READING, *problems})},
    }
    return [
        ("/v1/predict", "post", "predict", predict),
        ("/v1/labels", "post", "label", label),
        ("/v1/release", "get", "release", told_of),
        ("/livez", "get", "live", _probe("Whether the process lives", "Live", ("500",))),
        ("/readyz", "get", "ready", _probe("What is served, how it is kept, and what is wrong", "Ready", ("500",)) | _not_ready()),
        ("/metrics", "get", "metrics", metrics),
    ]


def _probe(summary: str, schema: str, problems: tuple[str, ...]) -> dict[str, Any]:
    return {"tags": ["Look after"], "summary": summary, "security": [], "responses": _responses(schema, "It does.", problems)}


def _not_ready() -> dict[str, Any]:
    absent = {"description": "No release is champion.", "content": {"application/json": {"schema": _ref("Ready")}}}
    return {"responses": _responses("Ready", "It is ready.", ("500",)) | {"503": absent}}


def _body(schema: str, shown: Mapping[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": _ref(schema), "examples": dict(shown)}}}


def _responses(schema: str, says: str, problems: tuple[str, ...]) -> dict[str, Any]:
    good = {"description": says, "content": {"application/json": {"schema": _ref(schema)}}}
    return {"200": good} | {status: {"$ref": f"#/components/responses/{status}"} for status in sorted(problems)}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _components(served: Served, orders: Orders) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": _ref("Problem")}}
    now = {"name": "Keepfit-Now", "in": "header", "required": True, "schema": {"type": "string", "format": "date-time"}}
    return {
        "schemas": _schemas(served, orders),
        "responses": {status: {"description": says, "content": problem} for status, says in _PROBLEMS.items()},
        "securitySchemes": {
            "key": {"type": "http", "scheme": "bearer", "description": "Made by `keepfit key create`; it opens what its scopes name."}
        },
    } | ({"parameters": {"now": now | {"description": "What this server takes for now."}}} if orders.simulated else {})


def _schemas(served: Served, orders: Orders) -> dict[str, Any]:
    release = served.release
    ids = {"type": "string", "minLength": 1, "maxLength": 200}
    rows = {
        "type": "object",
        "properties": {
            "rows": {"type": "array", "items": _ref("Row"), "minItems": 1, "maxItems": orders.limits.most_rows},
            "ids": {
                "type": ["array", "null"],
                "items": ids,
                "uniqueItems": True,
                "description": "One for each row, in printable characters; a request under ids that were answered before is a retry.",
            },
            "subjects": {"type": ["array", "null"], "items": _TEXT_OR_NULL, "description": "Whose each row is; kept as a keyed hash."},
        },
        "required": ["rows"],
        "additionalProperties": False,
    }
    return {
        "Rows": rows,
        "Row": row_schema(served),
        "Answers": _answers(),
        "Answer": answer_schema(served),
        "Labels": {
            "type": "object",
            "properties": {"labels": {"type": "array", "items": _ref("Label"), "minItems": 1, "maxItems": MOST_LABELS}},
            "required": ["labels"],
            "additionalProperties": False,
        },
        "Label": _label(release),
        "Accepted": _object({"accepted": {"type": "integer", "minimum": 1}}),
        "Release": {"type": "object", "properties": {"id": {"const": release.id}}, "required": ["id", "project", "columns", "target"]},
        "Live": _object({"status": {"const": "alive"}}),
        "Ready": {"type": "object", "properties": {"status": {"enum": ["ready", "no champion"]}}, "required": ["status", "alarms"]},
        "Problem": _problem(),
    }


def _answers() -> dict[str, Any]:
    champion = {"type": "string", "description": "The champion."}
    return _object({"release": champion, "predictions": {"type": "array", "items": _ref("Answer")}})


def _label(release: Release) -> dict[str, Any]:
    """A label: of the target or of another name, about a prediction by its id or about a row by its key."""
    value = value_schema(release)
    words = ", ".join(map(repr, release.classes)) or "a number"
    own = {"value": {"anyOf": [value, {"type": "null"}]}, "name": {"enum": [release.target, "", None]}}
    other = {
        "value": {"type": ["boolean", "number", "string", "null"]},
        "name": {"type": "string", "not": {"enum": [release.target, ""]}, "minLength": 1},
    }
    told = {
        "value": {"description": f"What came true; of `{release.target}` {words}, or null."},
        "name": {"description": f"What the value is of; `{release.target}` where absent."},
        "observed_at": _TEXT_OR_NULL | {"format": "date-time", "description": "When it came true."},
        "supersedes": _TEXT_OR_NULL,
        "prediction": {"description": "The id of the prediction that it is about."},
        "key": {"description": "The key of the row that it is about, where `prediction` is absent."},
    }
    abouts: list[tuple[str, dict[str, Any]]] = [("prediction", {"prediction": {"type": "string"}, "key": {"type": "null"}})]
    if release.key:
        abouts.append(("key", {"key": key_schema(release), "prediction": {"type": "null"}}))
    shapes = [
        _shape(told, of | about, required=["value", named, *more])
        for named, about in abouts
        for of, more in ((own, ()), (other, ("name",)))
    ]
    return {"oneOf": shapes}


def _shape(told: Mapping[str, Any], given: Mapping[str, Any], *, required: list[str]) -> dict[str, Any]:
    properties = {name: says | given.get(name, {}) for name, says in told.items()}
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _problem() -> dict[str, Any]:
    texts = {
        "type": "What kind of problem it is; `about:blank` says that its title tells all.",
        "title": "What is wrong.",
        "code": "The code that the page on errors explains; empty where there is none.",
        "at": "Where.",
        "fix": "What to do.",
    }
    return _object({name: {"type": "string", "description": says} for name, says in texts.items()} | {"status": {"type": "integer"}})


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": list(properties), "additionalProperties": False}
