"""`keepfit report`: a page on a candidate as a file."""

from __future__ import annotations

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
