"""What is not ours: Jira and the model, asked with the logins that runs use, without creating or spending anything."""

import os
from typing import TYPE_CHECKING

import httpx

from deployments.health.checkup import NotRunning, date_of, require_same_time
from deployments.settings import Settings
from tasks.core.errors import AdminRequired, Temporary

if TYPE_CHECKING:
    from deployments.cli.workplace import Workplace

ANTHROPIC = "https://api.anthropic.com"
ANTHROPIC_VERSION = "2023-06-01"
SECONDS = 15


async def jira(place: "Workplace", block: str, project_key: str | None) -> str:
    """Who we are there, and what we may do in a project."""
    from blocks.jira_project import load_project_context
    from deployments.cli.jira_login import open_jira
    from deployments.cli.options import actor

    async with await open_jira(place, block, actor(None)) as client:
        account = await client.myself()
        known = f"{account.display_name} at {client.site}"
        if project_key is None:
            return f"{known}; a project is checked with --project-key"
        project = await load_project_context(client, project_key)
    if not project.can_create_tickets:
        raise AdminRequired(
            f"{known} may not create issues in {project_key}.",
            actions=("Have a Jira administrator grant “Create issues” in this project.",),
            code="jira-permission",
        )
    return f"{known}, may create issues in {project.name} ({project.key})"


async def jira_clock(site: str) -> str:
    """Jira's clock, from the Date of an answer that needs no login."""
    async with _client() as client:
        try:
            answer = await client.get(f"{site}/rest/api/3/serverInfo")
        except httpx.HTTPError:
            raise _away("Jira", site) from None
    if "date" not in answer.headers:
        return "not told by Jira"
    return require_same_time("Jira", date_of(answer.headers["date"]))


async def model(settings: Settings) -> str:
    """The key is taken; a list of models costs nothing."""
    if settings.anthropic_api_key is None:
        raise NotRunning("ANTHROPIC_API_KEY is not set: the offline writer writes.")
    base = (settings.anthropic_base_url or ANTHROPIC).rstrip("/")
    headers = {
        "x-api-key": settings.anthropic_api_key.get_secret_value(),
        "anthropic-version": ANTHROPIC_VERSION,
    }
    async with _client() as client:
        try:
            answer = await client.get(f"{base}/v1/models", params={"limit": 1}, headers=headers)
        except httpx.HTTPError:
            raise _away("The model", base) from None
    if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise AdminRequired(
            f"{base} refuses ANTHROPIC_API_KEY.",
            actions=("Make a new key in the provider's console and start `up` anew with it.",),
            code="model-login",
        )
    if answer.status_code == httpx.codes.NOT_FOUND:  # a gateway need not have this list
        return f"{base} answers; it lists no models, so the key is not tried"
    if not answer.is_success:
        raise _away("The model", base)
    return f"{base} takes the key"


def _client() -> httpx.AsyncClient:
    direct = httpx.AsyncHTTPTransport()
    return httpx.AsyncClient(timeout=SECONDS, mounts={"all://127.0.0.1": direct}, trust_env=_has_proxy())


def _has_proxy() -> bool:
    return any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"))


def _away(what: str, address: str) -> Temporary:
    return Temporary(
        f"{what} does not answer at {address}.",
        actions=("Check the address, and the way out of this network; then try again.",),
        code="away",
    )
