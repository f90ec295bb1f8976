"""`[alerts]`: who is told of what the loop finds and does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from keepfit.spec.contradictions import Contradiction
from keepfit.spec.strict import Length, Strict

__all__ = ["AlertsSpec"]

_QUIET = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_HELD = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
#: Services of this machine, and those that name no account.
_OPEN = re.compile(r"(syslog|dbus|gnome|macosx|windows)://|(json|xml|form)s?://[^@?]*$")


def _quiet(text: str) -> str:
    if not _QUIET.fullmatch(text):
        raise ValueError(f"{text!r} are no hours of a day: as in 22:00-07:00")
    return text


class AlertsSpec(Strict):
    """Who is told of incidents, promotions, rollbacks, and of what waits for a person."""

    #: Targets: `https://…`, a signed webhook; any other is a URL of Apprise, such as `slack://${SLACK}` (extra `alerts`).
    to: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(strict=False)] = ()
    #: What webhooks are signed with, as `${NAME}`.
    secret: str | None = None
    #: Hours of the day, in the time zone of `data.timezone`, in which only what is urgent is told: "22:00-07:00".
    quiet: Annotated[str, AfterValidator(_quiet)] | None = None
    #: What is not urgent is told together, at most once in this time.
    digest: Length | None = None

    def contradictions(self) -> Iterator[Contradiction]:
        """What cannot hold together."""
        if self.secret is None and any(target.startswith(("http://", "https://")) for target in self.to):
            yield Contradiction(("alerts", "to"), "a webhook is signed, and alerts.secret is not stated", 'add secret = "${NAME}"')
        for key in ("secret", "quiet", "digest"):
            if getattr(self, key) is not None and not self.to:
                yield Contradiction(("alerts", key), "nobody is told: alerts.to is empty", "name a target in alerts.to")

    def literal_secrets(self) -> Iterator[tuple[str, str]]:
        """The keys that hold a secret as it is, each with what to write instead."""
        if self.secret is not None and not _HELD.fullmatch(self.secret):
            yield "secret", 'secret = "${NAME}"'
        for target in self.to:
            if not target.startswith(("http://", "https://")) and not _HELD.search(target) and not _OPEN.match(target):
                yield "to", "write ${NAME} in place of the token or password in it"
