"""The application: all routes of the sandbox on one site."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from deployments.jira_sandbox.api import agile, belongings, issues, metadata, search
from deployments.jira_sandbox.api.endpoint import open_route, route
from deployments.jira_sandbox.api.oauth import oauth_routes
from deployments.jira_sandbox.control import control_routes
from deployments.jira_sandbox.pages import page_routes
from deployments.jira_sandbox.site import Site

API = "/rest/api/3"
AGILE = "/rest/agile/1.0"


def build_app(site: Site) -> Starlette:
    """All that the site answers, without the gate before it."""
    app = Starlette(
        routes=[
            *page_routes(),
            *oauth_routes(),
            control_routes(),
            *platform_routes(),
            *agile_routes(),
            Mount("/ex/jira/{cloud}", routes=[*platform_routes(), *agile_routes()]),
        ],
        exception_handlers={404: unknown_endpoint, 405: unknown_endpoint},
    )
    app.state.site = site
    return app


def platform_routes() -> list[Route]:
    """Jira platform, REST v3."""
    issue = f"{API}/issue/{{issue}}"
    types = f"{API}/issue/createmeta/{{project}}/issuetypes"
    return [
        open_route(f"{API}/serverInfo", metadata.server_info),
        route(f"{API}/myself", get=metadata.myself),
        route(f"{API}/mypermissions", get=metadata.my_permissions),
        route(f"{API}/project/search", get=metadata.search_projects),
        route(f"{API}/project/{{project}}", get=metadata.project),
        route(f"{API}/project/{{project}}/components", get=metadata.components),
        route(types, get=metadata.create_types),
        route(types + "/{type}", get=metadata.create_fields),
        route(f"{API}/field", get=metadata.fields),
        route(f"{API}/priority", get=metadata.priorities),
        route(f"{API}/issueLinkType", get=metadata.link_types),
        route(f"{API}/user/assignable/search", get=metadata.assignable_users),
        route(f"{API}/search", get=search.removed, post=search.removed),
        route(f"{API}/search/jql", get=search.search_get, post=search.search_post),
        route(f"{API}/issue", post=issues.create),
        route(f"{API}/issue/bulk", post=issues.create_bulk),
        route(f"{API}/issue/bulkfetch", post=issues.bulk_fetch),
        route(issue, get=issues.read, put=issues.edit, delete=issues.delete),
        route(f"{issue}/properties", get=belongings.property_keys),
        route(
            f"{issue}/properties/{{key}}",
            get=belongings.get_property,
            put=belongings.set_property,
            delete=belongings.delete_property,
        ),
        route(f"{issue}/attachments", post=belongings.add_attachments),
        route(f"{API}/attachment/meta", get=belongings.attachment_meta),
        route(f"{API}/attachment/content/{{id}}", get=belongings.attachment_content),
        route(f"{API}/attachment/{{id}}", get=belongings.get_attachment, delete=belongings.delete_attachment),
        route(f"{API}/issueLink", post=belongings.create_link),
        route(f"{API}/issueLink/{{id}}", get=belongings.get_link, delete=belongings.delete_link),
    ]


def agile_routes() -> list[Route]:
    """Jira Software, agile 1.0."""
    return [
        route(f"{AGILE}/board", get=agile.boards),
        route(f"{AGILE}/board/{{board}}", get=agile.board),
        route(f"{AGILE}/board/{{board}}/sprint", get=agile.sprints),
        route(f"{AGILE}/sprint/{{sprint}}", get=agile.sprint),
        route(f"{AGILE}/sprint/{{sprint}}/issue", post=agile.move_to_sprint),
    ]


async def unknown_endpoint(request: Request, error: Exception) -> Response:
    """Jira's way to say that there is no such call."""
    status = getattr(error, "status_code", 404)
    message = f"No endpoint {request.method} {request.url.path}."
    return JSONResponse(
        {"errorMessages": [message], "errors": {}}, status, headers=getattr(error, "headers", None)
    )
