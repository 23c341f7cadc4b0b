"""Search by JQL: pages by token, and an index that lags behind the issues."""

import base64
import binascii
import json
import random
import time
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from starlette.responses import JSONResponse, Response

from deployments.jira_sandbox import views
from deployments.jira_sandbox.api.issues import PROPERTIES_LIMIT, is_texts, listed
from deployments.jira_sandbox.clauses import SORT, meaning
from deployments.jira_sandbox.jql import Document, Parser, Query
from deployments.jira_sandbox.problems import JiraProblem
from deployments.jira_sandbox.site import Call, Site
from deployments.jira_sandbox.store import searchable

DEFAULT_PAGE, LARGEST_PAGE = 50, 5000
RECONCILE_LIMIT = 50
TOKEN_DAYS = 7
UNBOUNDED = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
BODY = {
    "expand",
    "fields",
    "fieldsByKeys",
    "jql",
    "maxResults",
    "nextPageToken",
    "properties",
    "reconcileIssues",
}


def removed(_call: Call) -> Response:
    """The old search is gone."""
    guide = "https://developer.atlassian.com/changelog/#CHANGE-2046"
    text = "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API."
    raise JiraProblem(410, f"{text} A full migration guideline is available at {guide}")


def search_get(call: Call) -> Response:
    """Search by query parameters."""
    request: dict[str, Any] = {name: call.query(name) for name in ("jql", "nextPageToken")}
    request["maxResults"] = call.query_number("maxResults", DEFAULT_PAGE)
    request |= {name: listed(call, name) for name in ("fields", "properties")}
    request["reconcileIssues"] = [
        int(text) if text.isdigit() else text for text in listed(call, "reconcileIssues")
    ]
    return search(call, request)


def search_post(call: Call) -> Response:
    """Search by a body."""
    request = call.body_object()
    if unknown := set(request) - BODY:
        raise JiraProblem(400, f'Unrecognized field "{sorted(unknown)[0]}" in the request body.')
    return search(call, request)


def search(call: Call, request: dict[str, Any]) -> Response:
    """One page of what the index knows, reconciled with the issues that the caller names."""
    fields, properties = request.get("fields") or [], request.get("properties") or []
    reconcile = request.get("reconcileIssues") or []
    if not is_texts(fields) or not is_texts(properties) or len(properties) > PROPERTIES_LIMIT:
        raise JiraProblem(400, f"Fields and up to {PROPERTIES_LIMIT} properties are lists of strings.")
    if len(reconcile) > RECONCILE_LIMIT or not all(type(ident) is int for ident in reconcile):
        raise JiraProblem(400, f"reconcileIssues takes up to {RECONCILE_LIMIT} numeric issue ids.")
    query = Parser(str(request.get("jql") or ""), meaning(call)).query()
    if query.test is None:
        raise JiraProblem(400, UNBOUNDED)
    found = in_order(query, [d for d in visible(call, reconcile) if query.test(d)])
    only_ids = set(fields) <= {"id", "key"} and not properties
    start, most = page_start(request), page_size(call, request, only_ids)
    shown = [view(call, document, fields, properties) for document in found[start : start + most]]
    last = start + most >= len(found)
    token = {} if last else {"nextPageToken": make_token(request, start + most)}
    return JSONResponse({"issues": [item for item in shown if item], "isLast": last} | token)


def page_size(call: Call, request: dict[str, Any], only_ids: bool) -> int:
    """How many issues a page holds; fewer than asked for when fields are wanted."""
    most = request.get("maxResults", DEFAULT_PAGE)
    if type(most) is not int or most < 1:
        raise JiraProblem(400, "maxResults must be a positive number.")
    return min(most, LARGEST_PAGE if only_ids else call.site.settings.search_page_size)


def visible(call: Call, reconcile: list[int]) -> Iterator[Document]:
    """What the index knows of the projects that the caller may see; named issues as they are now."""
    known = indexed(call.site)
    for ident in reconcile:
        issue = call.site.store.issue(str(ident))
        known[ident] = searchable(issue) if issue else None
    for document in known.values():
        if document is not None and call.may_see(document["project"]):
            yield document


def indexed(site: Site) -> dict[int, Document | None]:
    """The newest version of each issue that has reached the index; None when it is deleted."""
    known: dict[int, Document | None] = {}
    now = time.time()
    for version, issue_id, written, document in site.store.index_versions():
        if written <= now - site.settings.search_lag or written <= now - lag(site, version):
            known[issue_id] = document
    return known


def lag(site: Site, version: int) -> float:
    """Seconds until this write can be found: the same draw whenever it is asked for."""
    draw = random.Random(f"{site.settings.seed}:{version}")  # noqa: S311 -- must be repeatable
    if draw.random() >= site.settings.search_lag_share:
        return 0.0
    return site.settings.search_lag * (draw.random() if site.settings.search_lag_spread else 1.0)


def in_order(query: Query, documents: list[Document]) -> list[Document]:
    """Sorted as asked, newest first otherwise."""
    if unknown := [field for field, _ in query.order if field not in SORT]:
        raise JiraProblem(400, f"Not able to sort using field '{unknown[0]}'.")
    documents.sort(key=SORT["id"], reverse=True)
    for field, descending in reversed(query.order):
        documents.sort(key=SORT[field], reverse=descending)
    return documents


def view(call: Call, document: Document, fields: list[str], properties: list[str]) -> dict[str, Any] | None:
    """An issue of the page; one that was deleted but is still in the index is left out."""
    if fields in ([], ["id"]) and not properties:
        return {"id": str(document["id"])}
    issue = call.site.store.issue(str(document["id"]))
    return views.issue(call, issue, views.wanted_fields(fields, "id"), properties) if issue else None


def make_token(request: dict[str, Any], start: int) -> str:
    """Where the next page begins; good for the same query and for seven days."""
    state = {"q": fingerprint(request), "s": start, "t": int(time.time())}
    return base64.urlsafe_b64encode(json.dumps(state).encode()).decode()


def page_start(request: dict[str, Any]) -> int:
    """Where this page begins."""
    token = request.get("nextPageToken")
    if not token:
        return 0
    try:
        state = json.loads(base64.urlsafe_b64decode(str(token)))
        start, query, made = int(state["s"]), state["q"], int(state["t"])
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise invalid_token() from error
    if query != fingerprint(request) or start < 0 or time.time() - made > TOKEN_DAYS * 86_400:
        raise invalid_token()
    return start


def invalid_token() -> JiraProblem:
    """Made up, too old, or of another query."""
    return JiraProblem(400, "The provided nextPageToken is invalid or has expired.")


def fingerprint(request: dict[str, Any]) -> str:
    """What must not change between pages: the query and the reconciled issues."""
    parts = [request.get("jql") or "", request.get("reconcileIssues") or []]
    return sha256(json.dumps(parts).encode()).hexdigest()[:16]
