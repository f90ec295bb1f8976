"""What comes after a request that got no answer: another try after a pause, or an error."""

from __future__ import annotations

import inspect
import random
import ssl
from dataclasses import dataclass, field

import httpx
import msgspec

from keepfit import errors

__all__ = ["Tries"]

#: A server that asks for a longer pause than this is not waited for.
LONGEST_PAUSE = 30.0
#: What may be otherwise when it is asked again.
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(slots=True)
class Tries:
    """The tries of one request: at most `most`, the first pause of about `pause` seconds, each further one twice as long."""

    url: str
    most: int
    pause: float
    done: int = field(default=0, init=False)

    def cut_off(self, error: httpx.HTTPError) -> float:
        """After a try on which there was no response."""
        if isinstance(error, (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.DecodingError, httpx.TooManyRedirects)):
            raise errors.RequestRefused(f"the request cannot be sent: {error}", at=self.url, fix="give a URL as http://127.0.0.1:8080")
        if _not_trusted(error):
            fix = "give the authority's certificate: verify='ca.pem'"
            raise errors.NoAnswer("the server's certificate is not trusted", at=self.url, fix=fix) from error
        said = "no answer in time" if isinstance(error, httpx.TimeoutException) else str(error) or type(error).__name__
        return self._wait(errors.NoAnswer(f"no server answers: {said}", at=self.url, fix="start one: keepfit serve"), error)

    def refused(self, answer: httpx.Response) -> float:
        """After a response that is no answer."""
        error = _error(answer, self.url)
        if answer.status_code not in _PASSING:
            raise error
        asked = answer.headers.get("retry-after", "")
        least = float(asked) if asked.isdecimal() else 0.0
        if least > LONGEST_PAUSE:
            raise error
        return max(least, self._wait(error))

    def _wait(self, error: errors.KeepfitError, cause: Exception | None = None) -> float:
        self.done += 1
        if self.done >= self.most:
            raise error from cause
        return self.pause * float(2 ** (self.done - 1)) * random.uniform(0.5, 1.0)  # or all clients come back at the same moment


class _Problem(msgspec.Struct):
    """A problem document; one of another server may lack what ours says."""

    title: str
    code: str = ""
    at: str = ""
    fix: str = ""


#: The errors that a server may name by their code.
_BY_CODE = {
    one.code: one
    for one in vars(errors).values()
    if inspect.isclass(one) and issubclass(one, errors.KeepfitError) and one.__init__ is errors.KeepfitError.__init__
}


def _error(answer: httpx.Response, url: str) -> errors.KeepfitError:
    """A refusal as the error that it is; one that carries no code known here by its status alone."""
    try:
        said = msgspec.json.decode(answer.content, type=_Problem)
    except msgspec.DecodeError:
        said = _Problem(f"the answer was {answer.status_code} {answer.reason_phrase}".rstrip())
    if said.code in _BY_CODE:
        return _BY_CODE[said.code](said.title, at=said.at, fix=said.fix)
    kind = errors.RequestRefused if answer.status_code < 500 else errors.NoAnswer
    return kind(f"{said.title} ({said.code})" if said.code else said.title, at=said.at or url, fix=said.fix)


def _not_trusted(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
