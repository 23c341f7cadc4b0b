"""Where a session stands, for the parents: each answer is read from the database anew."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from prefect import task
from prefect.events import emit_event
from prefect.runtime import flow_run
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from blocks.database import database_engine
from db.actor import Actor
from db.engine import session_scope
from db.enums import ReviewDecision, SessionStage
from db.errors import NotFound
from db.models import Session
from db.repositories.files import FileRepository
from db.repositories.reviews import ReviewRepository
from db.repositories.sessions import SessionRepository
from db.repositories.validations import ValidationRepository
from tasks.core.errors import UserFixable
from tasks.core.forms import InlineFile, NewSession
from tasks.core.outcomes import StageOutcome
from tasks.core.settings import SessionSettings
from tasks.core.spec.model import SourceFile
from tasks.failures import as_product_error
from tasks.lifecycle import name_run
from tasks.retrying import RETRYING
from tasks.session_events import SessionEvent, resource_of
from tasks.session_files import keep_files
from tasks.sources import read_named

# The tag of a run that nobody has to look at before what comes next.
UNATTENDED = "unattended"


@task(task_run_name="open the session", **RETRYING)
async def open_session(
    requested_by: str, session_id: UUID | None, new: NewSession, files: Sequence[InlineFile]
) -> UUID:
    """The session to work on, with the files of the form: an existing one, or a new one.

    One transaction: a run that ends right after it has lost nothing. The new session bears the id of its run, so the
    same run started again goes on with it.
    """
    actor = Actor(claimed=requested_by, request_id=str(flow_run.id))
    try:
        async with session_scope(await database_engine()) as session:
            record = await _find_or_create(SessionRepository(session), actor, session_id, new)
            if record.current_stage is SessionStage.SITE_INFO_COLLECTION:
                await _keep(session, record, files, actor)
    except Exception as error:
        raise as_product_error(error) from error
    await name_run(record.site_name)
    return record.id


async def _find_or_create(
    sessions: SessionRepository, actor: Actor, session_id: UUID | None, new: NewSession
) -> Session:
    if session_id:
        return await sessions.lock(session_id)
    own = UUID(flow_run.id)
    with suppress(NotFound):
        return await sessions.lock(own)
    new = _checked(new)
    return await sessions.create(
        actor=actor,
        session_id=own,
        site_name=new.site_name,
        site_description=new.site_description,
        jira_project_key=new.jira_project_key,
        jira_block=new.jira_block,
        settings=new.settings.model_dump(mode="json"),
    )


async def _keep(session: AsyncSession, record: Session, files: Sequence[InlineFile], actor: Actor) -> None:
    """Keep all files or none; one that cannot be used is said by the upload, which reads all of them again."""
    limits = SessionSettings.model_validate(record.settings).limits
    with suppress(UserFixable):
        given = [SourceFile(file.filename, file.content) for file in files]
        read = await asyncio.to_thread(read_named, (), limits, given)
        async with session.begin_nested():
            await keep_files(FileRepository(session), record.id, read, limits, actor)


def _checked(new: NewSession) -> NewSession:
    """The form as filled in; raises UserFixable that names every field that is missing or wrong."""
    try:
        return NewSession.model_validate(new.model_dump())
    except ValidationError as error:
        raise UserFixable(
            "The form is not complete.",
            actions=tuple(f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors()),
            code="form-incomplete",
        ) from error


async def stage_of(session_id: UUID) -> SessionStage:
    """The stage the session is at now."""
    return SessionStage((await _load(session_id)).current_stage)


async def needs_validation(session_id: UUID) -> bool:
    """Whether anything changed since the tickets were validated."""
    async with session_scope(await database_engine()) as session:
        record = await SessionRepository(session).get(session_id)
        if record.current_stage == SessionStage.COMPLETED:
            return False
        return not await ValidationRepository(session).is_fresh(session_id)


@task(task_run_name="record the approval", **RETRYING)
async def approve_for_delivery(session_id: UUID, requested_by: str) -> None:
    """Whoever delivers a session under review approves it; the decision is kept as one of the review."""
    await name_run((await _load(session_id)).site_name)
    async with session_scope(await database_engine()) as session:
        record = await SessionRepository(session).lock(session_id)
        if record.current_stage == SessionStage.REVIEW:
            actor = Actor(claimed=requested_by, request_id=str(flow_run.id))
            await ReviewRepository(session).decide(session_id, ReviewDecision.APPROVE, actor=actor)


async def session_outcome(session_id: UUID) -> StageOutcome:
    """Where the session came to."""
    record = await _load(session_id)
    waiting = " Its tickets wait for review." if record.current_stage == SessionStage.REVIEW else ""
    return StageOutcome(
        session_id=session_id,
        stage=SessionStage(record.current_stage),
        message=f"{record.site_name} is at stage {record.current_stage}.{waiting}",
    )


async def tell_of_review(session_id: UUID) -> None:
    """Tell whoever listens that the tickets wait for a person, unless the delivery follows at once."""
    record = await _load(session_id)
    if record.current_stage == SessionStage.REVIEW and UNATTENDED not in flow_run.tags:
        subject = resource_of(record.id, record.site_name)
        emit_event(SessionEvent.REVIEW_WAITING, subject, payload={"tickets": record.total_tickets_generated})


async def _load(session_id: UUID) -> Session:
    try:
        async with session_scope(await database_engine()) as session:
            return await SessionRepository(session).get(session_id)
    except Exception as error:
        raise as_product_error(error) from error
