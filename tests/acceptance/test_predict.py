"""`keepfit predict` as a person types it."""

from __future__ import annotations

import json

ROW = {"number": 1, "when": "2024-06-03T10:00Z", "amount": 0.5, "shop": "north"}
PAIRS = [f"{name}={value}" for name, value in ROW.items()]


def test_one_row_from_arguments_many_from_a_file_or_a_pipe(asked, keepfit, tmp_path):
    one = keepfit("predict", *PAIRS, "--url", asked.url)
    assert one.returncode == 0, one.stderr
    assert one.stdout.startswith("bad = ")
    assert "by r1, id " in one.stdout
    lines = ["number,when,amount,shop"] + [f"{number},2024-06-03T10:00Z,,elsewhere" for number in range(1200)]
    (tmp_path / "rows.csv").write_text("\n".join(lines).replace(",,", ",0.5,"))
    many = keepfit("predict", "rows.csv", "--url", asked.url, cwd=tmp_path)
    assert many.returncode == 0, many.stderr
    heading, *rows = many.stdout.splitlines()
    assert heading.split() == ["id", "bad", "score", "decision", "by", "warnings"]
    assert (len(rows), "shop" in rows[0]) == (1200, True)
    body = json.dumps({"rows": [ROW], "ids": ["mine"]})
    piped = json.loads(keepfit("predict", "-", "--url", asked.url, "--json", input=body).stdout)
    assert (piped["release"], piped["predictions"][0]["id"]) == ("r1", "mine")
    assert keepfit("predict", "--url", asked.url, "--quiet", input=body).stdout in ("true\n", "false\n")


def test_what_is_wrong_with_a_row_is_told_with_its_place_among_all(asked, keepfit):
    rows = [ROW] * 1000 + [ROW | {"amount": "much"}]
    done = keepfit("predict", "--url", asked.url, "--json", input=json.dumps(rows))
    assert done.returncode == 3
    assert json.loads(done.stdout)["error"]["at"] == "rows[1000].amount"
    done = keepfit("predict", *PAIRS, "colour=red", "--url", asked.url)
    assert (done.returncode, "unknown column 'colour'" in done.stderr) == (3, True)


def test_the_key_comes_from_the_environment_and_is_not_shown(champion, serve, keepfit):
    made = json.loads(keepfit("key", "create", "-C", champion, "--scope", "predict", "--json").stdout)["secret"]
    with serve(champion) as server:
        refused = keepfit("predict", *PAIRS, "--url", server.url)
        assert (refused.returncode, "KF405" in refused.stderr) == (3, True)
        answered = keepfit("predict", *PAIRS, "--url", server.url, env={"KEEPFIT_KEY": made})
        assert answered.returncode == 0, answered.stderr
        assert made not in answered.stdout + answered.stderr


def test_without_a_server_it_is_said_how_to_start_one(keepfit):
    done = keepfit("predict", *PAIRS, "--url", "http://127.0.0.1:1")
    assert done.returncode == 4
    assert "fix: start one: keepfit serve" in done.stderr
