"""Plain pages to look at: projects, issues, one issue with its description, files and links. No script."""

from collections.abc import Iterable
from html import escape
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from deployments.jira_sandbox import catalogue
from deployments.jira_sandbox.api.belongings import file_response, is_number
from deployments.jira_sandbox.belongings import Link
from deployments.jira_sandbox.render import render, wrap
from deployments.jira_sandbox.site import Site
from deployments.jira_sandbox.store import Issue, Project

STYLE = Path(__file__).with_name("sandbox.css")
NEWEST = 10
POLICY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def page_routes() -> list[Route]:
    """All pages."""
    return [
        Route("/", home),
        Route("/projects/{key}", project_page),
        Route("/browse/{key}", issue_page),
        Route("/secure/attachment/{id}/{name}", download),
        Route("/sandbox.css", stylesheet),
        Route("/healthz", health),
    ]


def page(title: str, body: str, status: int = 200) -> HTMLResponse:
    """A page; the title is plain text, the body HTML."""
    header = wrap("header", wrap("a", "Jira sandbox", href="/") + wrap("h1", escape(title)))
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><link rel="stylesheet" href="/sandbox.css">'
    html = f'<!DOCTYPE html><html lang="en"><head>{head}</head><body>{header}{body}</body></html>'
    return HTMLResponse(html.encode("utf-8", "replace"), status, headers=POLICY)


async def home(request: Request) -> Response:
    """Projects, each with its newest issues."""
    site: Site = request.app.state.site
    return page(
        "Projects", "".join(project_section(site, project, NEWEST) for project in site.store.projects())
    )


async def project_page(request: Request) -> Response:
    """All issues of a project."""
    site: Site = request.app.state.site
    project = site.store.project(request.path_params["key"])
    if project is None:
        return page("Not found", "<p>There is no such project.</p>", 404)
    return page(project.name, project_section(site, project, None))


def project_section(site: Site, project: Project, most: int | None) -> str:
    """A project's heading and its issues, newest first."""
    issues = site.store.issues(project.id)[::-1]
    name = wrap("a", escape(f"{project.key}: {project.name}"), href=f"/projects/{project.key}")
    count = f"{len(issues)} issue{'' if len(issues) == 1 else 's'}"
    return wrap("h2", name) + wrap("p", count) + issue_table(issues[:most])


def issue_table(issues: Iterable[Issue]) -> str:
    """Keys and summaries."""
    rows = "".join(
        wrap("tr", wrap("td", issue_anchor(issue)) + wrap("td", escape(issue.fields["summary"])))
        for issue in issues
    )
    return wrap("table", rows) if rows else ""


def issue_anchor(issue: Issue) -> str:
    """A link to an issue's page."""
    return wrap("a", escape(issue.key), href=f"/browse/{issue.key}")


async def issue_page(request: Request) -> Response:
    """An issue with all that belongs to it."""
    site: Site = request.app.state.site
    issue = site.store.issue(request.path_params["key"])
    if issue is None:
        return page("Not found", "<p>There is no such issue.</p>", 404)
    description = issue.fields.get("description")
    parts = [
        particulars(site, issue),
        wrap("h2", "Description"),
        render(description) if description else "<p>None</p>",
        wrap("h2", "Links") + links(site, issue),
        wrap("h2", "Attachments") + attachments(site, issue),
    ]
    return page(f"{issue.key}: {issue.fields['summary']}", "".join(parts))


def particulars(site: Site, issue: Issue) -> str:
    """The short fields."""
    fields = issue.fields
    assignee = site.member(fields.get("assignee"))
    parent = site.store.issue(str(fields["parent"])) if fields.get("parent") else None
    components = [item.name for item in catalogue.COMPONENTS if item.id in fields["components"]]
    rows = {
        "Type": escape(next(kind.name for kind in catalogue.ISSUE_TYPES if kind.id == fields["issuetype"])),
        "Priority": escape(next(item.name for item in catalogue.PRIORITIES if item.id == fields["priority"])),
        "Assignee": escape(assignee.name if assignee else "Unassigned"),
        "Sprint": escape(str(fields.get(catalogue.SPRINT_FIELD) or "None")),
        "Parent": issue_anchor(parent) if parent else "None",
        "Components": escape(", ".join(components) or "None"),
        "Labels": "".join(wrap("span", escape(label), class_="label") for label in fields["labels"])
        or "None",
        "Created": escape(issue.created),
        "Updated": escape(issue.updated),
    }
    return wrap(
        "table", "".join(wrap("tr", wrap("th", name) + wrap("td", html)) for name, html in rows.items())
    )


def links(site: Site, issue: Issue) -> str:
    """Links in the words of their type."""
    items = "".join(wrap("li", link_text(site, issue, link)) for link in site.belongings.links(issue))
    return wrap("ul", items) if items else "<p>None</p>"


def link_text(site: Site, issue: Issue, link: Link) -> str:
    """`blocks LAKE-2: summary`."""
    kind = next(item for item in catalogue.LINK_TYPES if item.id == link.type)
    outward = link.source == issue.id
    other = site.store.issue(str(link.target if outward else link.source))
    words = kind.outward if outward else kind.inward
    shown = f"{issue_anchor(other)}: {escape(other.fields['summary'])}" if other else ""
    return f"{escape(words)} {shown}"


def attachments(site: Site, issue: Issue) -> str:
    """Files to download."""
    items = "".join(
        wrap(
            "li",
            wrap(
                "a",
                escape(item.filename),
                href=f"/secure/attachment/{item.id}/{quote(item.filename, safe='')}",
            )
            + f" ({item.size} bytes)",
        )
        for item in site.belongings.attachments(issue)
    )
    return wrap("ul", items) if items else "<p>None</p>"


async def download(request: Request) -> Response:
    """A file as a download."""
    site: Site = request.app.state.site
    ident = request.path_params["id"]
    found = site.belongings.attachment(int(ident)) if is_number(ident) else None
    if found is None:
        return page("Not found", "<p>There is no such attachment.</p>", 404)
    return file_response(found, site.belongings.content(found))


async def stylesheet(_request: Request) -> Response:
    """The style of all pages."""
    return FileResponse(STYLE, media_type="text/css")


async def health(_request: Request) -> Response:
    """Answers as soon as the sandbox does."""
    return PlainTextResponse("ok")
