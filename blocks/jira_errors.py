"""What a failed call to Jira means: who can fix it, and whether the request took effect."""

import base64
import contextlib
import json
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

import requests
from pydantic import ValidationError
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from blocks.jira_answers import ErrorCollection
from tasks.core.errors import AdminRequired, ProductError, Temporary, UnknownOutcome, UserFixable

REDIRECT, BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 300, 400, 401, 403, 404
REQUEST_TIMEOUT, TOO_MANY, SERVER_ERROR = 408, 429, 500
TEXT_LIMIT = 500


class JiraRefused(UserFixable):
    """Jira understood the request and refused it: nothing was changed."""

    default_code = "jira-refused"

    @property
    def reasons(self) -> ErrorCollection:
        """What Jira said, for the whole request and field by field."""
        return ErrorCollection.model_validate(self.details.get("reasons", {}))


class JiraNotFound(JiraRefused):
    """There is no such thing in Jira, or this account may not see it."""

    default_code = "jira-not-found"


class NotSent(Temporary):
    """The request certainly had no effect: it never reached Jira, or was turned away at the door."""

    default_code = "jira-not-reached"


class RateLimited(NotSent):
    """Jira asks for a pause."""

    default_code = "jira-rate-limited"

    @property
    def retry_after(self) -> float | None:
        """Seconds that Jira asked us to wait, if it said so."""
        seconds = self.details.get("retry_after")
        return float(seconds) if isinstance(seconds, int | float) else None


def read_errors(response: requests.Response) -> ErrorCollection:
    """What an answer says went wrong; plain text and HTML answers become one message."""
    try:
        return ErrorCollection.model_validate(response.json())
    except (ValueError, ValidationError):
        text = " ".join(response.text.split())
        readable = text and not text.startswith("<")
        return ErrorCollection(error_messages=(text[:TEXT_LIMIT],) if readable else ())


def without_login(response: requests.Response) -> requests.Response:
    """The answer without the login of its request: what a proxy repeats of it would be shown and stored."""
    headers = response.request.headers if response.request is not None else {}
    credential = str(headers.get("Authorization", "")).partition(" ")[2].encode()
    secrets = {credential}
    with contextlib.suppress(ValueError):  # an OAuth token is no base64 of a name and a token
        secrets.add(base64.b64decode(credential, validate=True).partition(b":")[2])
    content = response.content
    for secret in secrets - {b""}:
        content = content.replace(secret, b"***")
    if content != response.content:
        response._content = content
    return response


def refused_one_by_one(response: requests.Response) -> bool:
    """Whether the answer to a bulk request says for each element why it was refused."""
    try:
        body = response.json()
    except ValueError:
        return False
    return isinstance(body, dict) and isinstance(body.get("errors"), list) and bool(body["errors"])


def says_too_long(reasons: ErrorCollection) -> bool:
    """Whether a description was refused for its length, in the words of today or of before."""
    text = reasons.text()
    return "CONTENT_LIMIT_EXCEEDED" in text or "exceeds the allowed limit" in text


def retry_after_of(response: requests.Response) -> float | None:
    """The pause that an answer asks for, in seconds: Retry-After, else the end of a window that is used up."""
    headers = response.headers
    try:
        if "Retry-After" not in headers and headers.get("X-RateLimit-Remaining") == "0":
            until = datetime.fromisoformat(headers.get("X-RateLimit-Reset", ""))
            return max(0.0, (until - datetime.now(UTC)).total_seconds())
        return max(0.0, float(headers.get("Retry-After", "")))
    except (ValueError, TypeError):  # not a number, not a time, a time without its zone
        return None


def succeeded(response: requests.Response) -> bool:
    """Whether Jira did what it was asked. A redirect is no success: a login must not follow it."""
    return response.status_code < REDIRECT


def error_of_response(what: str, site: str, response: requests.Response, *, writes: bool) -> ProductError:
    """The error that an answer stands for which is no success."""
    status = response.status_code
    reasons = read_errors(response)
    said = f" Jira said: {reasons.text()}" if reasons.text() else ""
    details: dict[str, object] = {"status": status, "reasons": json.loads(reasons.model_dump_json())}
    if status == TOO_MANY:
        details["retry_after"] = retry_after_of(response)
        return RateLimited(f"Jira asks for a pause before it will {what}.{said}", details=details)
    if status >= SERVER_ERROR or status == REQUEST_TIMEOUT:
        kind = UnknownOutcome if writes else Temporary
        message = f"Jira failed ({status}) when asked to {what}.{said}"
        return kind(message, code="jira-failing", details=details)
    return _refusal(what, site, status, said, details)


def _refusal(what: str, site: str, status: int, said: str, details: dict[str, object]) -> ProductError:
    if status == UNAUTHORIZED:
        return AdminRequired(
            f"Jira at {site} did not accept the login when asked to {what}.{said}",
            code="jira-login-refused",
            actions=(
                "Create a new API token at https://id.atlassian.com/manage-profile/security/api-tokens",
                "Set JIRA_EMAIL and JIRA_API_TOKEN (or the Jira block) to the account and its token.",
            ),
            details=details,
        )
    if status == FORBIDDEN:
        return AdminRequired(
            f"This account may not {what} at {site}.{said}",
            code="jira-permission-missing",
            actions=("Ask a Jira administrator for the permission, then resume the session.",),
            details=details,
        )
    if status == NOT_FOUND:
        return JiraNotFound(f"Jira found nothing when asked to {what}.{said}", details=details)
    if status < BAD_REQUEST:
        return moved(site)
    return JiraRefused(f"Jira refused to {what} ({status}).{said}", details=details)


def moved(site: str) -> AdminRequired:
    """The address answers with a redirect; a login must not follow it."""
    return AdminRequired(
        f"Jira at {site} answers with another address.",
        code="jira-address-moved",
        actions=("Set JIRA_URL (or the Jira block) to the address that a browser ends at.",),
    )


def error_of_exception(what: str, site: str, error: Exception, *, writes: bool) -> ProductError:
    """The error that a failed exchange stands for. Whatever may have reached Jira has an unknown outcome."""
    if isinstance(error, requests.TooManyRedirects):
        return moved(site)
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes(error)):
        return AdminRequired(
            f"The certificate of {site} is not trusted.",
            code="jira-certificate",
            actions=("Check the address; behind a company proxy set REQUESTS_CA_BUNDLE to its certificate.",),
        )
    if isinstance(error, ValueError):
        return AdminRequired(
            f"{site!r} is not an address that can be reached.",
            code="jira-address-wrong",
            actions=("Set JIRA_URL to an address such as https://example.atlassian.net",),
        )
    if never_left(error):
        return NotSent(
            f"Jira at {site} does not answer.",
            actions=("Check the address and the network, then resume the session.",),
        )
    kind = UnknownOutcome if writes else Temporary
    return kind(f"The connection to Jira broke when asked to {what} ({type(error).__name__}).")


def never_left(error: BaseException) -> bool:
    """Whether the connection was never made, so that nothing can have been sent."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    return any(isinstance(cause, NewConnectionError | ConnectTimeoutError) for cause in causes(error))


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that it wraps in the manner of requests and urllib3."""
    wrapped: object = error
    while isinstance(wrapped, BaseException):
        yield wrapped
        wrapped = wrapped.reason if isinstance(wrapped, MaxRetryError) else next(iter(wrapped.args), None)
