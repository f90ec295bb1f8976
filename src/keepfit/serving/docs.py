"""What the server says of itself: `/openapi.json`, and a page to read it and to try a row, which needs no network but this server."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import msgspec

from keepfit.serving.exchange import Request, Response, Route
from keepfit.serving.openapi import document

if TYPE_CHECKING:
    from keepfit.serving.app import App

__all__ = ["routes"]

_HTML = b"text/html; charset=utf-8"
#: Where the page holds the document; empty where a key is needed to read it.
_PLACE = b"<!-- document -->"


def routes(app: App) -> list[Route]:
    """`/openapi.json`, `/docs`, and `/`, which leads there.

    The document needs a key where predictions do. The page itself says nothing of the project: without keys the document
    stands in it, else whoever reads it gives a key, with which it asks for the document.
    """
    made: dict[tuple[str, bool], bytes] = {}

    def said() -> bytes:
        champion, guarded = app.who_answers().champion, app.duty.guarded and not app.orders.open
        about = (champion.release.id, guarded)
        if about not in made:
            made.clear()
            made[about] = msgspec.json.encode(document(champion, app.orders, guarded=guarded))
        return made[about]

    async def openapi(request: Request) -> Response:
        return Response(200, said())

    async def docs(request: Request) -> Response:
        page, policy = _page()
        inside = b"" if app.duty.guarded or app.orders.open or app.answering is None else said()
        # In a script no text may look like its end.
        inside = inside.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")
        return Response(200, page.replace(_PLACE, inside), _HTML, ((b"content-security-policy", policy), *_STRICT))

    async def home(request: Request) -> Response:
        return Response(302, b"", _HTML, ((b"location", b"docs"),))

    return [
        Route("GET", "/openapi.json", openapi),
        Route("GET", "/docs", docs, opens=None),
        Route("GET", "/", home, opens=None),
    ]


_STRICT = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cache-control", b"no-store"),
)


@cache
def _page() -> tuple[bytes, bytes]:
    """The page without its document, and the policy under which it runs: its own script and style, and requests to this server."""
    files = resources.files("keepfit.serving") / "page"
    style, script = ((files / name).read_bytes() for name in ("style.css", "page.js"))
    page = (files / "page.html").read_bytes()
    hashes = [base64.b64encode(hashlib.sha256(text).digest()) for text in (style, script)]
    policy = (
        b"default-src 'none'; style-src 'sha256-%s'; script-src 'sha256-%s'; connect-src 'self'; img-src data:; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return page.replace(b"/* style */", style).replace(b"/* script */", script), policy % tuple(hashes)
