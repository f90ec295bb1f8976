"""What holds in every protocol alike: one row has one answer in all, and nothing that is sent makes the server fail or repeat it."""

from __future__ import annotations

import csv
import io
import json

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keepfit.prediction import Prediction
from keepfit.serving.tensors import DATATYPES, OF_DTYPE, Tensor, packed, values_of

PATHS = {
    "mlflow": "/invocations",
    "inference": "/v2/models/returns/infer",
    "kserve": "/v1/models/returns:predict",
    "vertex": "/v1/endpoints/1/deployedModels/2:predict",
    "azure": "/score",
}
SECRET = "hunter2 Ω"
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
ROWS = st.fixed_dictionaries(
    {
        "order": st.integers(-(2**63), 2**63 - 1),
        "at": st.datetimes().map(lambda at: f"{at.isoformat()}Z"),
        "shop": st.text(st.characters(exclude_categories=["Cs"])),
        "product": st.integers(-(2**31), 2**31),
        "price": NUMBERS,
        "size": st.none() | st.floats(width=32, allow_nan=False, allow_infinity=False),
        "weekend": st.booleans(),
        "gift": st.booleans(),
        "stock": st.none() | st.integers(-5, 5),
    }
)
WORDS = [
    "instances",
    "inputs",
    "dataframe_split",
    "dataframe_records",
    "params",
    "parameters",
    "rows",
    "data",
    "input_data",
    "columns",
    "index",
]
WORDS += [
    "id",
    "ids",
    "subjects",
    "outputs",
    "name",
    "shape",
    "datatype",
    "order",
    "at",
    "shop",
    "price",
    "binary_data_size",
    "binary_data",
]
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from([SECRET, *WORDS, *DATATYPES])
FORMS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4), max_leaves=12
)
ALIKE = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def asked(protocol, rows):
    """A request of a protocol for some rows."""
    if protocol == "mlflow":
        return {"inputs": {name: [row[name] for row in rows] for name in rows[0]}}
    if protocol == "inference":
        kinds = {"order": "int", "product": "int", "stock": "int", "price": "float", "size": "float32", "weekend": "bool", "gift": "bool"}
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        shape = [len(rows)]
        return {
            "inputs": [
                {"name": name, "shape": shape, "datatype": OF_DTYPE[kinds.get(name, "text")], "data": columns[name]} for name in columns
            ]
        }
    if protocol == "azure":
        return {"input_data": {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}}
    return {"instances": rows}


def scores(said):
    if "outputs" in said:
        return next(output["data"] for output in said["outputs"] if output["name"] == "score")
    return [one["score"] for one in said["predictions"]]


@ALIKE
@given(rows=st.lists(ROWS, min_size=1, max_size=3))
def test_rows_have_the_same_answers_in_every_protocol(trees, rows):
    rows = [{name: row[name] for name in sorted(row)} for row in rows]
    native = trees.predict(*rows)
    said = {name: trees.ask("POST", path, json=asked(name, rows)) for name, path in PATHS.items()}
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(rows[0])
    writer.writerows([["" if value is None else value for value in row.values()] for row in rows])
    if all(row["shop"] for row in rows):  # an empty cell is missing, where JSON has an empty text
        headers = {"Content-Type": "text/csv", "Keepfit-Now": "2024-03-01T09:00Z"}
        said["csv"] = trees.ask("POST", "/invocations", headers=headers, content=text.getvalue().encode())
    if native.status_code != 200:  # a time before the first year, in UTC or in none
        assert {answer.status_code for answer in said.values()} <= {400, 422}
        return
    assert {name: answer.status_code for name, answer in said.items()} == dict.fromkeys(said, 200), said
    assert {name: scores(answer.json()) for name, answer in said.items()} == dict.fromkeys(said, scores(native.json()))


@ALIKE
@given(form=FORMS)
@pytest.mark.parametrize("protocol", PATHS)
def test_whatever_is_sent_is_refused_by_the_client_s_fault_and_never_repeated(trees, protocol, form):
    answer = trees.ask("POST", PATHS[protocol], content=json.dumps(form).encode())
    assert answer.status_code in (400, 413, 422), answer.text
    assert "hunter2" not in answer.text
    assert isinstance(answer.json(), dict)


@ALIKE
@given(body=st.binary(max_size=60))
@pytest.mark.parametrize("kind", ["application/json", "text/csv"])
def test_bytes_that_mean_nothing_are_refused(trees, kind, body):
    headers = {"Content-Type": kind, "Keepfit-Now": "2024-03-01T09:00Z"}
    for path in PATHS.values():
        assert trees.ask("POST", path, headers=headers, content=body).status_code in (400, 413, 415, 422)
    assert trees.kept("predictions", Prediction) == []


@given(st.data())
def test_what_is_packed_is_unpacked(data):
    datatype = data.draw(st.sampled_from(DATATYPES))
    bits = int("".join(filter(str.isdigit, datatype)) or 0)
    values = {
        "BOOL": st.booleans(),
        "BYTES": st.text(st.characters(exclude_categories=["Cs"])),
        "U": st.integers(0, 2 ** max(bits, 1) - 1),
        "I": st.integers(-(2 ** max(bits - 1, 0)), 2 ** max(bits - 1, 0) - 1),
        "F": st.floats(width=bits or 64, allow_nan=False),
    }
    found = data.draw(st.lists(values[datatype if datatype in values else datatype[0]], max_size=5))
    assert values_of(Tensor("x", [len(found)], datatype), packed(datatype, found), at="x") == found
    assert values_of(Tensor("x", [len(found), 1], datatype, [[value] for value in found]), None, at="x") == found


def test_a_csv_without_its_line_of_names_is_refused_without_a_value_of_it(trees, row):
    headers = {"Content-Type": "text/csv", "Keepfit-Now": "2024-03-01T09:00Z"}
    line = ",".join(SECRET if name == "shop" else str(value) for name, value in row.items()).encode()
    answer = trees.ask("POST", "/invocations", headers=headers, content=line + b"\n" + line)
    assert answer.status_code == 400
    assert "first line" in answer.text
    assert not {SECRET, "1001", "10.1"} & set(msgspec.json.decode(answer.content)["message"].replace("'", " ").split())
    near = trees.ask("POST", "/invocations", headers=headers, content=b"order,at,shop,product,pirce,weekend,gift\n" + b",".join([b"1"] * 7))
    assert "did you mean 'price'?" in near.text
