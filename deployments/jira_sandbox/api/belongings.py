"""Entity properties, attachments and links of issues."""

from email.message import Message
from urllib.parse import quote

from starlette.responses import JSONResponse, RedirectResponse, Response

from deployments.jira_sandbox import catalogue, problems, views
from deployments.jira_sandbox.api.issues import link_issues
from deployments.jira_sandbox.belongings import Attachment, Link
from deployments.jira_sandbox.drafts import check_property, find_issue
from deployments.jira_sandbox.problems import JiraProblem, PlainProblem
from deployments.jira_sandbox.site import Call
from deployments.jira_sandbox.store import Issue

FILES_LIMIT = 60


def property_keys(call: Call) -> Response:
    """The keys of an issue's properties."""
    issue = call.issue(call.path("issue"))
    self_ = f"{call.base}{views.API}/issue/{issue.key}/properties/"
    keys = call.site.belongings.property_keys(issue)
    return JSONResponse({"keys": [{"key": key, "self": self_ + quote(key, safe="")} for key in keys]})


def get_property(call: Call) -> Response:
    """One property."""
    held = call.site.belongings.properties(call.issue(call.path("issue")))
    key = call.path("key")
    if key not in held:
        raise no_such_property(key)
    return JSONResponse({"key": key, "value": held[key]})


def set_property(call: Call) -> Response:
    """Write the bare body as the value: 201 when new, 200 when changed, both with an empty body (jira.md 9)."""
    issue = call.issue(call.path("issue"))
    if "EDIT_ISSUES" not in call.permissions:
        raise JiraProblem(403, "You do not have permission to edit issues in this project.")
    check_property(call.path("key"), call.body)
    call.writes_to(issue)
    new = call.site.belongings.set_property(issue, call.path("key"), call.body)
    return Response(status_code=201 if new else 200)


def delete_property(call: Call) -> Response:
    """Remove a property."""
    issue = call.issue(call.path("issue"))
    if "EDIT_ISSUES" not in call.permissions:
        raise problems.no_such_issue()
    call.writes_to(issue)
    if not call.site.belongings.delete_property(issue, call.path("key")):
        raise no_such_property(call.path("key"))
    return Response(status_code=204)


def no_such_property(key: str) -> JiraProblem:
    """The issue has no such property."""
    return JiraProblem(404, f"The property with key '{key}' does not exist.")


def attachment_meta(call: Call) -> Response:
    """Whether files can be attached, and how large they may be."""
    settings = call.site.settings
    return JSONResponse({"enabled": settings.attachments_enabled, "uploadLimit": settings.upload_limit})


def add_attachments(call: Call) -> Response:
    """Keep the parts called `file`; a repeated upload makes a second attachment."""
    if call.request.headers.get("x-atlassian-token", "").lower() not in ("no-check", "nocheck"):
        raise PlainProblem(403, "XSRF check failed")
    issue = call.issue(call.path("issue"))
    if "CREATE_ATTACHMENTS" not in call.permissions:
        raise JiraProblem(403, "You do not have permission to create attachments for this issue.")
    if not call.request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise JiraProblem(415, "Unsupported Media Type")
    check_files(call, issue)
    call.writes_to(issue)
    added = [
        call.site.belongings.add_attachment(
            issue, part.filename or "file", media_type(part.content_type), call.login.account_id, content
        )
        for part, content in call.files
    ]
    return JSONResponse([views.attachment(call, item) for item in added])


def media_type(given: str | None) -> str:
    """The part's media type without parameters."""
    message = Message()
    message["Content-Type"] = given or "application/octet-stream"
    return message.get_content_type() if given else "application/octet-stream"


def check_files(call: Call, issue: Issue) -> None:
    """Attachments off, too many files, too many on the issue, too large."""
    settings = call.site.settings
    if not settings.attachments_enabled:
        raise JiraProblem(404, "Attachments are disabled.")
    too_many = len(call.files) > FILES_LIMIT
    full = len(call.site.belongings.attachments(issue)) + len(call.files) > settings.attachments_per_issue
    if too_many or full:
        raise JiraProblem(413, "The limit for the number of attachments has been breached.")
    if any(len(content) > settings.upload_limit for _, content in call.files):
        raise JiraProblem(
            413, f"The file exceeds its maximum permitted size of {settings.upload_limit} bytes."
        )


def find_attachment(call: Call) -> Attachment:
    """The attachment of the path, on an issue that the caller may see."""
    ident = call.path("id")
    found = call.site.belongings.attachment(int(ident)) if is_number(ident) else None
    if found is None or not call.may_see(call.issue(str(found.issue_id)).key.rpartition("-")[0]):
        raise JiraProblem(404, f"The attachment with id '{ident}' does not exist")
    return found


def get_attachment(call: Call) -> Response:
    """An attachment's particulars; here its id is a number."""
    found = find_attachment(call)
    return JSONResponse(views.attachment(call, found) | {"id": found.id})


def attachment_content(call: Call) -> Response:
    """The file: by redirection, or at once with redirect=false."""
    found = find_attachment(call)
    if call.query("redirect", "true") != "false":
        return RedirectResponse(
            f"{call.root}/secure/attachment/{found.id}/{quote(found.filename, safe='')}", 303
        )
    return file_response(found, call.site.belongings.content(found))


def file_response(found: Attachment, content: bytes) -> Response:
    """A file as a download: never shown as a page of this site."""
    return Response(
        content,
        media_type=found.mime,
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.filename, safe='')}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )


def delete_attachment(call: Call) -> Response:
    """Remove a file; own ones need less permission."""
    found = find_attachment(call)
    own = found.author == call.login.account_id and "DELETE_OWN_ATTACHMENTS" in call.permissions
    if not own and "DELETE_ALL_ATTACHMENTS" not in call.permissions:
        raise JiraProblem(403, "You do not have permission to delete this attachment.")
    call.writes_to(call.issue(str(found.issue_id)))
    call.site.belongings.delete_attachment(found)
    return Response(status_code=204)


def create_link(call: Call) -> Response:
    """Link two issues: `inwardIssue` is the source (jira.md 10). 201 without a body, also for a link that exists."""
    body = call.body_object()
    kind = catalogue.link_type(body.get("type"))
    if kind is None:
        raise JiraProblem(404, "No issue link type with the given name or id found.")
    source, target = (find_issue(call, body.get(side)) for side in ("inwardIssue", "outwardIssue"))
    if source is None or target is None:
        raise JiraProblem(404, "Issue does not exist or you do not have permission to see it.")
    if "LINK_ISSUES" not in call.permissions:
        raise JiraProblem(404, "No link permission for the issue.")
    if source.id == target.id:
        raise JiraProblem(400, "You cannot link an issue to itself.")
    call.writes_to(source, target)
    link_issues(call, kind, source, target)
    return Response(status_code=201)


def find_link(call: Call) -> Link:
    """The link of the path, between issues that the caller may see."""
    ident = call.path("id")
    if not is_number(ident):
        raise JiraProblem(400, "The issue link id is invalid.")
    found = call.site.belongings.link(int(ident))
    if found is None:
        raise JiraProblem(404, f"No issue link with id '{ident}' exists.")
    for side in (found.source, found.target):
        call.issue(str(side))
    return found


def get_link(call: Call) -> Response:
    """A link with both of its issues."""
    return JSONResponse(views.link(call, find_link(call)))


def delete_link(call: Call) -> Response:
    """Remove a link."""
    found = find_link(call)
    if "LINK_ISSUES" not in call.permissions:
        raise JiraProblem(404, "No link permission for the issue.")
    call.writes_to(*(call.issue(str(side)) for side in (found.source, found.target)))
    call.site.belongings.delete_link(found)
    return Response(status_code=204)


def is_number(text: str) -> bool:
    """Whether it is an id that fits."""
    return text.isascii() and text.isdigit() and len(text) <= 15  # noqa: PLR2004
