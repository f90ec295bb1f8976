"""uvicorn with uvloop and httptools, answering a constant of the size of an answer: what HTTP alone costs."""

from __future__ import annotations

ROWS = {"1": 1, "100": 100}


def body(rows: int) -> bytes:
    one = b'{"id":"01a2161e-9cae-7992-8912-d78fed0fa813","prediction":true,"score":0.7312837212837,"decision":true,"warnings":[]}'
    return b'{"release":"r1","predictions":[' + b",".join([one] * rows) + b"]}"


ANSWERS = {f"/{rows}": body(rows) for rows in (1, 100)}


async def app(scope, receive, send):  # type: ignore[no-untyped-def]
    if scope["type"] != "http":
        return
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    answer = ANSWERS[scope["path"]]
    head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": answer})
