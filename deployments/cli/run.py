"""`drupal-tickets run`: one session from files to Jira."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from deployments.cli.options import (
    AuditLevel,
    Budget,
    Granularity,
    JiraSite,
    Limits,
    ProjectKey,
    RequestedBy,
    Scope,
    SiteDescription,
    SiteName,
    Spec,
    actor,
    project_key_of,
    session_settings,
)
from deployments.cli.output import Json, note, show
from deployments.cli.workplace import Workplace, with_stack
from deployments.cli.writing_options import takes_writing
from tasks.core.errors import UserFixable

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from db.actor import Actor
    from tasks.core.settings import SessionSettings
    from tasks.core.spec.model import SourceFile


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for."""

    files: "Sequence[SourceFile]"
    site_name: str
    site_description: str
    project_key: str
    jira_block: str
    settings: "SessionSettings"
    actor: "Actor"
    approved: bool
    again: bool


@takes_writing
def run(
    spec: Spec,
    *,
    site_name: SiteName,
    project_key: ProjectKey,
    site_description: SiteDescription = "",
    jira_site: JiraSite = "jira",
    scope: Scope = "",
    granularity: Granularity = "",
    budget: Budget = None,
    limits: Limits = "",
    audit_level: AuditLevel = "basic",
    writing: dict[str, Any],
    yes: Annotated[bool, typer.Option("--yes", help="Approve the review: the tickets go into Jira.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Also when this spec is in this project already.")
    ] = False,
    requested_by: RequestedBy = None,
    json: Json = False,
) -> None:
    """Take a spec from its files to Jira; without --yes, to the review of its tickets."""
    from deployments.cli.summary import print_summary
    from tasks.sources import read_local

    key = project_key_of(project_key)
    settings = session_settings(scope, granularity, budget, audit_level, writing, limits)
    request = Request(
        files=read_local(spec, settings.limits),
        site_name=site_name,
        site_description=site_description,
        project_key=key,
        jira_block=jira_site,
        settings=settings,
        actor=actor(requested_by),
        approved=yes,
        again=again,
    )
    document = with_stack(lambda place: take_to_the_end(place, request))
    show(document, json, lambda target: print_summary(target, document))


async def take_to_the_end(place: Workplace, request: Request) -> dict[str, Any]:
    """Go on with the session of the spec, or begin one, as far as the request allows; its document."""
    from deployments.cli.endings import documented
    from deployments.cli.stopping import stack_is_ours
    from deployments.cli.working import advance

    session_id = await _session_for(place, request)
    work = advance(place, session_id, request.actor, deliver=request.approved)
    document = await documented(place.engine, session_id, work)
    note(f"Prefect UI: {place.connection.ui_url}")
    if stack_is_ours():
        note("It stops with this command. To look at runs, artifacts and issues again: drupal-tickets up")
    return document


async def _session_for(place: Workplace, request: Request) -> UUID:
    """The incomplete session of this spec and project, or a new one; a completed one only `--again`."""
    from db.engine import session_scope
    from db.enums import SessionStatus
    from db.repositories.sessions import SessionRepository
    from deployments.cli.endings import reopen
    from deployments.cli.runs import jira_site_of
    from tasks.core.settings import SessionSettings

    site = await jira_site_of(place.client, request.jira_block)
    spec_hash = spec_hash_of(file.content for file in request.files)
    async with session_scope(place.engine) as session:
        sessions = SessionRepository(session)
        found = await sessions.find_by_spec(
            site, request.project_key, spec_hash, jira_block=request.jira_block
        )
        if found is None or (found.status is SessionStatus.COMPLETED and request.again):
            return await _create(session, request, site, spec_hash)
    if found.status is SessionStatus.COMPLETED:
        raise UserFixable(
            f"This spec is in {request.project_key} already: session {found.id}, {found.site_name}.",
            actions=("Run it once more, with new issues for all its tickets: add --again.",),
            code="already-exported",
        )
    if found.jira_block != request.jira_block:
        raise UserFixable(
            f"Session {found.id} of this spec began with the Jira login “{found.jira_block}”.",
            actions=(
                f"Go on with that one: --jira-site {found.jira_block}",
                f"Or give that session up first: drupal-tickets session close {found.id}",
            ),
            code="other-login",
        )
    note(f"Going on with session {found.id} of this spec, at stage {found.current_stage}.")
    if SessionSettings.model_validate(found.settings) != request.settings:
        note(
            "It keeps the settings it was started with; drupal-tickets session set changes budget and style."
        )
    await reopen(place.engine, found.id, request.actor)
    return found.id


async def _create(session: "AsyncSession", request: Request, site: str, spec_hash: str) -> UUID:
    from db.repositories.files import FileRepository
    from db.repositories.sessions import SessionRepository

    record = await SessionRepository(session).create(
        actor=request.actor,
        site_name=request.site_name,
        site_description=request.site_description,
        jira_project_key=request.project_key,
        jira_block=request.jira_block,
        jira_site=site,
        settings=request.settings.model_dump(mode="json"),
        spec_hash=spec_hash,
    )
    for file in request.files:
        await FileRepository(session).add(record.id, file.filename, file.content, actor=request.actor)
    note(f"Session {record.id}")
    return record.id


def spec_hash_of(contents: Iterable[bytes]) -> str:
    """What makes two specs the same: the contents of their files, whatever these are called."""
    hashes = sorted(hashlib.sha256(content).hexdigest() for content in contents)
    return hashlib.sha256("".join(hashes).encode()).hexdigest()
