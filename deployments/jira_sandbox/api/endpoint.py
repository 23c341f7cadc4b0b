"""What every REST call has in common: who asks, a body that can be read, one transaction, Jira's way to refuse."""

from collections.abc import Callable

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deployments.jira_sandbox.problems import JiraProblem
from deployments.jira_sandbox.site import ANONYMOUS, Call, Site

Handler = Callable[[Call], Response]
MOST_FILES = 1000  # more than Jira's 60, so that the refusal is ours


def route(path: str, **handlers: Handler) -> Route:
    """A path with one handler per method: `route("/x", get=read, put=write)`."""

    async def answer(request: Request) -> Response:
        handler = handlers["get" if request.method == "HEAD" else request.method.lower()]
        try:
            call = await read_call(request)
            # Nothing awaits inside: one call is one step, and it is on disk before its answer leaves.
            with call.site.store.transaction():
                return handler(call)
        except JiraProblem as problem:
            return problem.response()

    return Route(path, answer, methods=[method.upper() for method in handlers])


def open_route(path: str, handler: Handler) -> Route:
    """A path that everyone may read, logged in or not."""

    async def answer(request: Request) -> Response:
        return handler(Call(request.app.state.site, ANONYMOUS, request))

    return Route(path, answer)


async def read_call(request: Request) -> Call:
    """Authenticate, then read the body; a handler decides whether it must be JSON."""
    site: Site = request.app.state.site
    login = site.caller(request)
    if entry := request.scope.get("sandbox.entry"):
        entry.login = login.email
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return Call(site, login, request, files=await read_files(request))
    return Call(site, login, request, raw=await request.body())


async def read_files(request: Request) -> list[tuple[UploadFile, bytes]]:
    """The parts called `file`; Jira does not look at others."""
    try:
        async with request.form(max_files=MOST_FILES) as form:
            parts = [part for part in form.getlist("file") if isinstance(part, UploadFile)]
            return [(part, await part.read()) for part in parts]
    except MultiPartException as error:
        raise JiraProblem(400, "The multipart body cannot be read.") from error
