"""The server's own page in a real browser: it asks this server alone, answers, and fits a phone."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

import keepfit as library

HOSTILE = "</script><script>document.title = 'taken'</script>"
WIDE = """(() => {
  const root = document.documentElement;
  return [...document.querySelectorAll("main *")].filter((one) => {
    const box = one.getBoundingClientRect();
    return box.width > 0 && !one.closest("pre, table, .tabs") && box.right > root.clientWidth + 1;
  }).map((one) => one.outerHTML.slice(0, 200)).concat(root.scrollWidth > root.clientWidth ? ["the page"] : []);
})()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    spec = importlib.util.spec_from_file_location("browser", Path(__file__).with_name("browser.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.browsing(tmp_path_factory.mktemp("profile")) as page:
        yield page


def only(page, server):
    return [address for address in page.asked if not address.startswith((server.url, "data:"))]


def test_a_person_asks_changes_a_value_and_is_told_what_is_wrong(champion, serve, browser):
    with serve(champion) as server:
        browser.go(server.url)
        assert browser.wait("document.getElementById('statement').textContent") == "Predicts bad."
        assert browser.see("location.pathname") == "/docs"
        browser.see("document.getElementById('ask').click()")
        said = browser.wait("document.querySelector('.answer.said')?.innerText")
        assert said.splitlines()[0] == "bad"
        assert any(line in said for line in ("true", "false"))
        browser.see("document.getElementById('field shop').value = 'elsewhere'; document.getElementById('ask').click()")
        assert "shop" in browser.wait("document.querySelector('.answer .warnings')?.innerText")
        browser.see("document.getElementById('field amount').value = 'much'; document.getElementById('ask').click()")
        assert "rows[0].amount" in browser.wait("document.querySelector('.answer.fault-said')?.innerText")
        assert browser.see("document.querySelector('.wrong label').innerText.trim()") == "amount"
        assert server.url in browser.see("document.getElementById('snippet').textContent")
        for path, samples in described(server).items():
            (source,) = [one["source"] for one in samples if one["lang"] == "JavaScript"]
            # What a snippet would print is looked at.
            source = source.replace("http://127.0.0.1:8080", server.url).replace("console.log(", "const printed = [").rstrip(";)")
            printed = browser.see(f"(async () => {{ {source}]; return printed; }})()")
            assert printed == [1] if path == "/v1/labels" else printed[0] in (True, False), path
        for width in (320, 390, 1200):
            browser.go(f"{server.url}/docs", width=width)
            browser.wait("document.getElementById('statement').textContent")
            assert browser.see(WIDE) == [], width
        refused = [one for one in browser.said if "422" not in json.dumps(one)]  # the fault that was asked for is on the console
        assert refused == []
        assert only(browser, server) == []
    assert library.open(champion).predictions().height == 3  # what was refused is not among them


def test_where_keys_are_in_force_the_page_says_nothing_until_one_is_given(champion, serve, browser, keepfit):
    made = json.loads(keepfit("key", "create", "-C", champion, "--scope", "predict", "--json").stdout)["secret"]
    with serve(champion) as server:
        assert "amount" not in server.client.get("/docs").text
        assert server.client.get("/openapi.json").status_code == 401
        browser.go(f"{server.url}/docs")
        browser.wait("!document.getElementById('locked').hidden")
        browser.see("document.getElementById('key').value = 'kf_wrong'; document.querySelector('#unlock button').click()")
        assert "not known" in browser.wait("document.getElementById('unlock-fault').textContent")
        browser.see(f"document.getElementById('key').value = '{made}'; document.querySelector('#unlock button').click()")
        assert browser.wait("document.getElementById('statement').textContent") == "Predicts bad."
        browser.see("document.getElementById('ask').click()")
        browser.wait("document.querySelector('.answer.said')?.innerText")


def test_names_that_would_do_harm_are_shown_as_they_are(project, table, keepfit, serve, browser):
    rows = table(63).rename({"amount": HOSTILE})
    folder = project(rows=rows, toml=project_with(HOSTILE))
    done = keepfit("run", "-C", folder, "--now", "2024-03-04T00:00Z")
    assert done.returncode in (0, 1, 2), done.stderr
    with serve(folder) as server:
        browser.go(f"{server.url}/docs")
        assert HOSTILE in browser.wait("document.getElementById('statement').textContent")
        assert HOSTILE in browser.see("document.getElementById('columns').textContent")
        assert browser.see("document.title") != "taken"
        browser.see("document.getElementById('ask').click()")
        assert browser.wait("document.querySelector('.answer.said')?.innerText")


def described(server):
    """The snippets of every route that has some."""
    paths = server.client.get("/openapi.json").json()["paths"]
    return {path: verbs["post"]["x-codeSamples"] for path, verbs in paths.items() if "x-codeSamples" in verbs.get("post", {})}


def project_with(statement):
    return f"""\
[problem]
name = "small"
statement = "{statement}"
target = "bad"
time = "when"
key = ["number"]

[data]
source = "rows.parquet"

[model]
estimators = ["linear"]
trials = 0
"""
