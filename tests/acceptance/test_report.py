"""`keepfit report`: a page on a candidate, as HTML, as Markdown and as a record."""

from __future__ import annotations

import json
import re


def test_a_report_is_one_page_that_says_first_what_the_model_decides_and_names_the_file_last(champion, keepfit):
    done = keepfit("report", "r1", cwd=champion)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "Report: reports/r1.html"
    page = (champion / "reports/r1.html").read_text(encoding="utf-8")
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.S)
    first = [text.index(part) for part in ("small · r1, champion", "Of 1,000 rows", "Passed", "at least 0.6", "The evidence")]
    assert first == sorted(first)
    assert "<script" not in page
    assert "http://" not in page
    assert "https://" not in page


def test_the_same_goes_to_standard_output_as_markdown(champion, keepfit):
    done = keepfit("report", "c1", "-C", champion, "--markdown", "--output", "-", "--quiet")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("# What will bad be?")
    assert "**Passed**: of " in done.stdout
    assert not (champion / "reports").exists()


def test_as_json_it_is_the_record_and_no_page_is_written_unasked(champion, keepfit):
    done = keepfit("report", "-C", champion, "--json")
    report = json.loads(done.stdout)
    assert (report["record"], report["release"], report["tested"]["reproduced"]) == ("report", "r1", True)
    assert not (champion / "reports").exists()


def test_a_report_on_nothing_and_one_of_an_unknown_ending_say_what_to_do(project, champion, keepfit):
    for folder, given, code in (
        (project("fresh"), (), "KF132"),
        (champion, ("c7",), "KF132"),
        (champion, ("--output", "report.pdf"), "KF131"),
        (champion, ("--markdown", "--output", "report.html"), "KF131"),
    ):
        done = keepfit("report", *given, "-C", folder, "--quiet")
        assert done.returncode == 3, done.stderr
        assert done.stderr.startswith(code)
        assert "fix: " in done.stderr
