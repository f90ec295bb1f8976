"""Chromium without a screen, told what to do through its pipe, so that a test sees what a person does."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time

PATIENCE = 120.0
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions", "--hide-scrollbars"]


class Page:
    """A page in a browser: goes somewhere, runs a script there, and keeps what was asked for and what the console said."""

    def __init__(self, write, read):
        self._write, self._read, self._rest, self._number = write, read, b"", 0
        self.asked, self.said = [], []
        target = self.tell("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.tell("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.tell(f"{domain}.enable")

    def tell(self, method, **parameters):
        self._number += 1
        session = {"sessionId": self._session} if hasattr(self, "_session") else {}
        os.write(self._write, json.dumps({"id": self._number, "method": method, "params": parameters, **session}).encode() + b"\0")
        while True:
            heard = self._next()
            if heard.get("id") == self._number:
                assert "error" not in heard, heard
                return heard["result"]

    def _next(self):
        while b"\0" not in self._rest:
            more = os.read(self._read, 1 << 20)
            assert more, "the browser ended"
            self._rest += more
        one, _, self._rest = self._rest.partition(b"\0")
        heard = json.loads(one)
        if heard.get("method") == "Network.requestWillBeSent":
            self.asked.append(heard["params"]["request"]["url"])
        if heard.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
            self.said.append(heard["params"])
        return heard

    def go(self, url, *, width=1200, height=900):
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.tell("Page.navigate", url=url)

    def see(self, expression):
        """The value of an expression on the page."""
        done = self.tell("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def wait(self, expression):
        """The first value of an expression that is one."""
        until = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(AssertionError):  # the page is not there yet
                if value := self.see(expression):
                    return value
            assert time.monotonic() < until, f"never: {expression}"
            time.sleep(0.05)


@contextlib.contextmanager
def browsing(profile):
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "these tests need Chromium: apt-get install chromium"
    for_browser, write = os.pipe()
    read, from_browser = os.pipe()
    # The browser reads its descriptor 3 and writes its descriptor 4.
    shell = ["bash", "-c", f'exec "$@" 3<&{for_browser} 4>&{from_browser}', "bash"]
    process = subprocess.Popen(
        [*shell, program, *QUIET, f"--user-data-dir={profile}", "--remote-debugging-pipe"],
        pass_fds=(for_browser, from_browser),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(for_browser)
    os.close(from_browser)
    try:
        yield Page(write, read)
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)
        os.close(write)
        os.close(read)
