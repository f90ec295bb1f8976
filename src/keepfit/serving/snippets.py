"""How a request is written in a shell, in Python and in JavaScript; each is complete and runs as it stands."""

from __future__ import annotations

import json
import pprint
import shlex
from collections.abc import Mapping
from typing import Any

__all__ = ["HERE", "labelling", "predicting"]

#: The address in a snippet; the page puts its own in its place.
HERE = "http://127.0.0.1:8080"


def predicting(row: Mapping[str, Any], *, guarded: bool) -> list[dict[str, str]]:
    """Snippets that ask about one row."""
    body = {"rows": [row]}
    python = f"""\
import keepfit

with keepfit.Client("{HERE}"{_key(guarded)}) as client:
    row = {_literal(row, 10)}
    (answer,) = client.predict([row])
    print(answer.prediction, answer.outputs, answer.warnings)"""
    script = f"""\
const row = {json.dumps(row, indent=2, ensure_ascii=False)};
const response = await fetch("{HERE}/v1/predict", {{
  method: "POST",
  headers: {{ "content-type": "application/json"{_header(guarded)} }},
  body: JSON.stringify({{ rows: [row] }}),
}});
if (!response.ok) throw new Error((await response.json()).title);
const {{ predictions }} = await response.json();
console.log(predictions[0].prediction, predictions[0].warnings);"""
    return _together(_curl("/v1/predict", body, guarded), python, script, guarded)


def labelling(value: Any, *, guarded: bool) -> list[dict[str, str]]:
    """Snippets that bring the truth of one prediction."""
    body = {"labels": [{"prediction": "the id of a prediction", "value": value}]}
    python = f"""\
import keepfit

with keepfit.Client("{HERE}"{_key(guarded)}) as client:
    client.label({value!r}, prediction="the id of a prediction")"""
    script = f"""\
const label = {{ prediction: "the id of a prediction", value: {json.dumps(value, ensure_ascii=False)} }};
const response = await fetch("{HERE}/v1/labels", {{
  method: "POST",
  headers: {{ "content-type": "application/json"{_header(guarded)} }},
  body: JSON.stringify({{ labels: [label] }}),
}});
console.log((await response.json()).accepted);"""
    return _together(_curl("/v1/labels", body, guarded), python, script, guarded)


def _together(shell: str, python: str, script: str, guarded: bool) -> list[dict[str, str]]:
    if guarded:
        python = f"import os\n\n{python}"
    return [
        {"lang": "Shell", "label": "curl", "source": shell},
        {"lang": "Python", "label": "Python", "source": python},
        {"lang": "JavaScript", "label": "JavaScript", "source": script},
    ]


def _curl(path: str, body: Mapping[str, Any], guarded: bool) -> str:
    key = ' \\\n  -H "Authorization: Bearer $KEEPFIT_KEY"' if guarded else ""
    return f"curl -s {HERE}{path}{key} \\\n  --json {shlex.quote(json.dumps(body, indent=2, ensure_ascii=False))}"


def _key(guarded: bool) -> str:
    return ', key=os.environ["KEEPFIT_KEY"]' if guarded else ""


def _header(guarded: bool) -> str:
    return ', authorization: "Bearer " + process.env.KEEPFIT_KEY' if guarded else ""


def _literal(value: Any, indent: int) -> str:
    """A value as Python writes it, over several lines where it is long."""
    first, *rest = pprint.pformat(value, width=90, sort_dicts=False).splitlines()
    return "\n".join([first, *(" " * indent + line for line in rest)])
