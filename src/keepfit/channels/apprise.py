"""Apprise: Slack, Teams, e-mail and a hundred more, each by its URL."""

from __future__ import annotations

import warnings

from keepfit import errors
from keepfit.alert import Message

try:
    import apprise
except ImportError as missing:
    raise errors.ExtraNeeded("this target needs Apprise", at="alerts.to", fix="pip install 'keepfit[alerts]'") from missing

__all__ = ["AppriseChannel"]


class AppriseChannel:
    """Hands messages to whatever service the URL names.

    Raises
    ------
    AlertFailed
        Apprise knows no such service, or the URL lacks a part.
    """

    def __init__(self, target: str, secret: str | None) -> None:
        self._service = apprise.Apprise()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the services' own code, which is loaded here
            known = self._service.add(target)
        if not known:
            scheme = target.partition("://")[0] if "://" in target else "it"
            fix = "see the pages of Apprise for the form of its URLs"
            raise errors.AlertFailed(f"Apprise cannot read the target ({scheme}://…)", at="alerts.to", fix=fix)

    def send(self, message: Message) -> None:
        grave = any(alert.severity == "critical" for alert in message.alerts)
        kind = apprise.NotifyType.FAILURE if grave else apprise.NotifyType.INFO
        if not self._service.notify(body=message.text, title=message.title, notify_type=kind):
            raise errors.AlertFailed("the service did not take the message", at="alerts.to", fix="see that its token holds")
