"""The calls of auth.atlassian.com and api.atlassian.com: consent page, tokens, accessible sites."""

import json
from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from deployments.jira_sandbox.oauth import CLOUD_ID, OAuthProblem
from deployments.jira_sandbox.pages import page
from deployments.jira_sandbox.render import wrap
from deployments.jira_sandbox.site import Site


def oauth_routes() -> list[Route]:
    """All calls of the authorization server."""
    return [
        Route("/authorize", authorize),
        Route("/oauth/token", posted(exchange), methods=["POST"]),
        Route("/oauth/revoke", posted(revoke), methods=["POST"]),
        Route("/oauth/token/accessible-resources", accessible_resources),
    ]


async def authorize(request: Request) -> Response:
    """Ask the person; `as` is the account that agreed, which the page's links fill in."""
    site: Site = request.app.state.site
    query = {
        name: request.query_params.get(name, "") for name in ("client_id", "redirect_uri", "scope", "state")
    }
    try:
        site.oauth.check_request(query["client_id"], query["redirect_uri"], query["scope"])
    except OAuthProblem as problem:
        return page("Something went wrong", wrap("p", escape(problem.description)), problem.status)
    if request.query_params.get("deny"):
        return back(
            query, {"error": "access_denied", "error_description": "User did not authorize the request"}
        )
    login = next((item for item in site.config.logins if item.email == request.query_params.get("as")), None)
    if login is None:
        return consent_page(site, query)
    return back(
        query, {"code": site.oauth.consent(login, query["client_id"], query["redirect_uri"], query["scope"])}
    )


def consent_page(site: Site, query: dict[str, str]) -> Response:
    """One link for each account, and one to say no."""
    answers = {f"Accept as {login.email}": {"as": login.email} for login in site.config.logins}
    answers["Cancel"] = {"deny": "1"}
    items = "".join(
        wrap("li", wrap("a", escape(text), href="/authorize?" + urlencode(query | choice)))
        for text, choice in answers.items()
    )
    asked = wrap("p", f"{escape(query['client_id'])} asks for: {escape(query['scope'])}")
    return page("Grant access to Jira", asked + wrap("ul", items))


def back(query: dict[str, str], answer: dict[str, str]) -> Response:
    """To where the program waits."""
    joint = "&" if "?" in query["redirect_uri"] else "?"
    return RedirectResponse(
        query["redirect_uri"] + joint + urlencode(answer | {"state": query["state"]}), 302
    )


def posted(handler: Callable[[Site, dict[str, Any]], Any]) -> Callable[[Request], Any]:
    """A call with a JSON or form body, in one transaction, refused in OAuth's shape."""

    async def answer(request: Request) -> Response:
        site: Site = request.app.state.site
        body = read_body(await request.body(), request.headers.get("content-type", ""))
        try:
            with site.store.transaction():
                result = handler(site, body)
        except OAuthProblem as problem:
            text = {"error": problem.error, "error_description": problem.description}
            return JSONResponse(text, problem.status)
        return JSONResponse(result) if result is not None else Response()

    return answer


def read_body(body: bytes, kind: str) -> dict[str, Any]:
    """JSON or a form; empty when it is neither."""
    try:
        if "json" in kind:
            read = json.loads(body)
            return read if isinstance(read, dict) else {}
        return dict(parse_qsl(body.decode()))
    except ValueError:
        return {}


def exchange(site: Site, body: dict[str, Any]) -> dict[str, Any]:
    """Tokens for a code or a refresh token."""
    return site.oauth.exchange(body, site.settings)


def revoke(site: Site, body: dict[str, Any]) -> None:
    """End a consent."""
    site.oauth.revoke(body)


async def accessible_resources(request: Request) -> Response:
    """The sites that the token reaches: this one."""
    site: Site = request.app.state.site
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    grant = site.oauth.bearer(token, site.settings) if scheme.lower() == "bearer" else None
    if grant is None:
        return JSONResponse({"code": 401, "message": "Unauthorized"}, 401)
    scopes = [scope for scope in grant.scopes if scope != "offline_access"]
    url = str(request.base_url).rstrip("/")
    return JSONResponse([{"id": CLOUD_ID, "url": url, "name": "sandbox", "scopes": scopes, "avatarUrl": ""}])
