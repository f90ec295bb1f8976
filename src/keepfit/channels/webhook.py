"""A webhook: the message as JSON, signed, to a URL."""

from __future__ import annotations

import hashlib
import hmac
import time

import httpx

from keepfit import errors, record
from keepfit.alert import Message

__all__ = ["Webhook", "signature"]

#: Seconds for connecting and for the answer.
PATIENCE = 5.0


def signature(secret: str, at: int, body: bytes) -> str:
    """The value of the header `Keepfit-Signature`: the second it was made, and the HMAC-SHA256 of `<second>.<body>`.

    >>> signature("s", 1700000000, b"{}")
    't=1700000000,v1=e9232c9945da8456c2dea6b39da7786c07b00bca7a64d5dd1283674713a7b72a'
    """
    made = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={made}"


class Webhook:
    """Posts messages to a URL, signed with the secret; redirects are not followed.

    The receiver checks `Keepfit-Signature`, refuses old seconds, and passes over a `Keepfit-Delivery` that it has seen.
    """

    def __init__(self, target: str, secret: str | None) -> None:
        self._target, self._secret = target, secret or ""

    def send(self, message: Message) -> None:
        body = record.text(message).encode()
        headers = {
            "content-type": "application/json",
            "keepfit-delivery": message.id,
            "keepfit-signature": signature(self._secret, int(time.time()), body),
        }
        try:
            answer = httpx.post(self._target, content=body, headers=headers, timeout=PATIENCE)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            fix = "see that the receiver runs and is reached from here"
            raise errors.AlertFailed(f"the webhook did not answer: {type(error).__name__}", at="alerts.to", fix=fix) from None
        if not answer.is_success:
            fix = "see in the receiver's own log why it refused"
            raise errors.AlertFailed(f"the webhook answered {answer.status_code}", at="alerts.to", fix=fix)
