"""The control API below `/_sandbox/`, for tests on this machine: settings, faults, journal, contents."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from deployments.jira_sandbox.config import parse_project
from deployments.jira_sandbox.faults import Fault
from deployments.jira_sandbox.problems import JiraProblem
from deployments.jira_sandbox.settings import Settings
from deployments.jira_sandbox.site import Site, read_json

LOOPBACK = {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
LOCAL_NAMES = {"127.0.0.1", "::1", "localhost"}
Handler = Callable[[Site, Request, Any], Any]


def control_routes() -> Mount:
    """All control calls."""
    return Mount(
        "/_sandbox",
        routes=[
            guarded("/settings", GET=read_settings, PATCH=change_settings, DELETE=reset_settings),
            guarded("/faults", GET=list_faults, POST=add_fault, DELETE=clear_faults),
            guarded("/faults/{id:int}", DELETE=remove_fault),
            guarded("/journal", GET=read_journal, DELETE=clear_journal),
            guarded("/tokens", DELETE=forget_tokens),
            guarded("/issues", GET=read_issues),
            guarded("/projects", POST=add_project),
            guarded("/reset", POST=reset),
        ],
    )


def guarded(path: str, **handlers: Handler) -> Route:
    """Only from this machine, and not from a page in its browser."""

    async def answer(request: Request) -> Response:
        if not is_local(request):
            return JSONResponse({"error": "Not found"}, 404)
        try:
            body = read_json(await request.body()) if request.method in ("POST", "PATCH") else None
            return JSONResponse(handlers[request.method](request.app.state.site, request, body))
        except ValidationError as error:
            return JSONResponse({"error": error.errors(include_context=False, include_url=False)}, 400)
        except (JiraProblem, ValueError) as error:
            return JSONResponse({"error": str(error)}, 400)

    return Route(path, answer, methods=list(handlers))


def is_local(request: Request) -> bool:
    """A loopback caller who names a loopback host and, to change something, sends JSON (a web page cannot)."""
    caller = request.client.host if request.client else ""
    harmless = request.method in ("GET", "HEAD", "DELETE", "PATCH")
    says_json = request.headers.get("content-type", "").startswith("application/json")
    return caller in LOOPBACK and request.url.hostname in LOCAL_NAMES and (harmless or says_json)


def read_settings(site: Site, _request: Request, _body: Any) -> Any:
    """The settings now."""
    return site.settings.model_dump()


def change_settings(site: Site, _request: Request, body: Any) -> Any:
    """Change the named settings."""
    site.settings = merged(site.settings, body)
    return site.settings.model_dump()


def merged(settings: Settings, changes: Any) -> Settings:
    """The settings with changes, checked."""
    if not isinstance(changes, dict):
        raise ValueError("Settings are an object")
    return Settings.model_validate(settings.model_dump() | changes)


def reset_settings(site: Site, _request: Request, _body: Any) -> Any:
    """Back to the defaults."""
    site.settings = Settings()
    return site.settings.model_dump()


def list_faults(site: Site, _request: Request, _body: Any) -> Any:
    """The faults in force and how often they struck."""
    return [rule.as_json() for rule in site.faults.rules]


def add_fault(site: Site, _request: Request, body: Any) -> Any:
    """Put one fault or a list of faults in force."""
    faults = [Fault.model_validate(item) for item in (body if isinstance(body, list) else [body])]
    rules = [site.faults.add(fault).as_json() for fault in faults]
    return rules if isinstance(body, list) else rules[0]


def clear_faults(site: Site, _request: Request, _body: Any) -> Any:
    """End all faults."""
    site.faults.clear()
    return {}


def remove_fault(site: Site, request: Request, _body: Any) -> Any:
    """End one fault."""
    return {"removed": site.faults.remove(request.path_params["id"])}


def read_journal(site: Site, request: Request, _body: Any) -> Any:
    """All entries after `after`, oldest first."""
    return [entry.as_json() for entry in site.journal.after(int(request.query_params.get("after", "0")))]


def clear_journal(site: Site, _request: Request, _body: Any) -> Any:
    """Forget the entries."""
    site.journal.clear()
    return {}


def forget_tokens(site: Site, request: Request, _body: Any) -> Any:
    """Drop OAuth tokens: `kind` access, refresh or code; all without it."""
    site.oauth.forget(request.query_params.get("kind", ""))
    return {}


def read_issues(site: Site, request: Request, _body: Any) -> Any:
    """The issues of a project, or all, exactly as they are stored."""
    key = request.query_params.get("project")
    projects = [project for project in site.store.projects() if key in (None, project.key)]
    return [stored(site, issue) for project in projects for issue in site.store.issues(project.id)]


def stored(site: Site, issue: Any) -> dict[str, Any]:
    """An issue with all that hangs on it; links name keys, source first."""
    held = site.belongings
    keys = {
        side: site.store.issue(str(side)) for link in held.links(issue) for side in (link.source, link.target)
    }
    return asdict(issue) | {
        "properties": held.properties(issue),
        "attachments": [asdict(item) for item in held.attachments(issue)],
        "links": [
            {
                "id": link.id,
                "type": link.type,
                "source": key_of(keys[link.source]),
                "target": key_of(keys[link.target]),
            }
            for link in held.links(issue)
        ],
    }


def key_of(issue: Any) -> str:
    """The key of an issue that a link holds."""
    return str(issue.key)


def add_project(site: Site, _request: Request, body: Any) -> Any:
    """Make a project: `{"key", "name"}`."""
    key, name = parse_project(f"{body.get('key')}={body.get('name') or ''}")
    site.store.add_project(key, name)
    return {"key": key, "name": name}


def reset(site: Site, _request: Request, _body: Any) -> Any:
    """No issues, no faults, no journal, default settings."""
    site.reset()
    return {}
