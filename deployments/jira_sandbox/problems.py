"""How Jira says no: a status and an error collection with two channels, either of which may be empty."""

from collections.abc import Mapping

from starlette.responses import JSONResponse, PlainTextResponse, Response


class JiraProblem(Exception):
    """A refusal, raised anywhere below a call and answered in Jira's shape."""

    def __init__(
        self,
        status: int,
        *messages: str,
        errors: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, messages, errors)
        self.status = status
        self.messages = list(messages)
        self.errors = dict(errors or {})
        self.headers = dict(headers or {})

    def collection(self) -> dict[str, object]:
        """The ErrorCollection of Atlassian's document."""
        return {"errorMessages": self.messages, "errors": self.errors}

    def response(self) -> Response:
        """The answer on the wire."""
        return JSONResponse(self.collection(), self.status, headers=self.headers)


class PlainProblem(JiraProblem):
    """A refusal that Jira words as plain text (authentication, XSRF)."""

    def response(self) -> Response:
        """The answer on the wire."""
        return PlainTextResponse(self.messages[0], self.status, headers=self.headers)


class GatewayProblem(JiraProblem):
    """A refusal of the gateway before Jira."""

    def __init__(self, message: str) -> None:
        super().__init__(401, message)

    def response(self) -> Response:
        """The answer on the wire."""
        return JSONResponse({"code": 401, "message": self.messages[0]}, 401)


def unauthenticated() -> JiraProblem:
    """Wrong or missing credentials; Jira words it as plain text."""
    return PlainProblem(
        401,
        "Client must be authenticated to access this resource.",
        headers={"WWW-Authenticate": 'OAuth realm="https%3A%2F%2Fsandbox"'},
    )


def no_such_issue() -> JiraProblem:
    """Absent and invisible issues look the same."""
    return JiraProblem(404, "Issue does not exist or you do not have permission to see it.")


def no_such_project(key: str) -> JiraProblem:
    """Absent and invisible projects look the same."""
    return JiraProblem(404, f"No project could be found with key '{key}'.")


def unreadable_body() -> JiraProblem:
    """The body is not the JSON that the call takes."""
    return JiraProblem(400, "There was an error parsing JSON. Check that your request body is valid.")
