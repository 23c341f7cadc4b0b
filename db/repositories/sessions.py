"""Sessions: made, found again, moved from stage to stage, cancelled, closed, deleted."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import and_, exists, func, insert, literal, or_, select
from sqlalchemy.orm import defer

from db.actor import Actor
from db.enums import AuditLevel, SessionStage, SessionStatus
from db.errors import NotFound, Refused
from db.models import Session, SessionTask, SessionValidation, Ticket
from db.repositories.recordable import plain_text
from db.repositories.session_stops import SessionStops, has_open_intent

STAGES = list(SessionStage)
HEAVY = (Session.findings, Session.scope_counts, Session.held, Session.given_way, Session.spec_changes)


class SessionRepository(SessionStops):
    """Sessions as a whole."""

    async def create(
        self,
        *,
        actor: Actor,
        site_name: str,
        jira_project_key: str,
        site_description: str = "",
        jira_block: str = "jira",
        jira_site: str | None = None,
        llm_provider_choice: str = "offline",
        llm_model: str | None = None,
        settings: Mapping[str, Any] | None = None,
        spec_hash: str | None = None,
        session_id: uuid.UUID | None = None,
    ) -> Session:
        """A new session; site and account of Jira are noted when they have been seen (`bind_account`)."""
        record = Session(
            id=session_id,
            site_name=plain_text(site_name),
            site_description=plain_text(site_description),
            jira_project_key=jira_project_key,
            jira_block=jira_block,
            jira_site=jira_site,
            llm_provider_choice=llm_provider_choice,
            llm_model=llm_model,
            settings=dict(settings or {}),
            spec_hash=spec_hash,
            requested_by=actor.claimed,
        )
        self.session.add(record)
        await self.session.flush()
        await self.session.execute(insert(SessionValidation).values(session_id=record.id))
        await self._write(actor, record, "session.created", f"Session for {site_name}")
        return record

    async def get(self, session_id: uuid.UUID) -> Session:
        """The session as it stands; NotFound when there is none."""
        record: Session | None = await self._fresh(select(Session).where(Session.id == session_id))
        if record is None:
            raise NotFound(f"There is no session {session_id}.")
        return record

    async def list_sessions(self, *, incomplete_only: bool = False, limit: int = 100) -> list[Session]:
        """The newest sessions first, without their findings."""
        query = select(Session).options(*(defer(column, raiseload=True) for column in HEAVY))
        if incomplete_only:
            query = query.where(Session.status != SessionStatus.COMPLETED)
        return list(await self.session.scalars(query.order_by(Session.created_at.desc()).limit(limit)))

    async def find_by_spec(
        self, jira_site: str | None, project_key: str, spec_hash: str, *, jira_block: str = "jira"
    ) -> Session | None:
        """The session of this spec for this project: an incomplete one first, else one that reached Jira.

        A session is known by its site, or by its block as long as the site was not seen. Closed sessions without
        an issue in Jira do not count. Whoever asks for the same spec waits until this transaction ends, so that
        looking and creating is one step.
        """
        name = f"{jira_block}:{project_key}:{spec_hash}"
        await self.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
        same_place = or_(
            Session.jira_site == jira_site,
            and_(
                Session.jira_block == jira_block, or_(Session.jira_site.is_(None), literal(jira_site is None))
            ),
        )
        incomplete = Session.status != SessionStatus.COMPLETED
        query = (
            select(Session)
            .where(same_place, Session.jira_project_key == project_key, Session.spec_hash == spec_hash)
            .where(or_(incomplete, _in_jira()))
            .order_by(incomplete.desc(), Session.created_at.desc())
            .limit(1)
        )
        record: Session | None = await self._fresh(query)
        return record

    async def lock(self, session_id: uuid.UUID) -> Session:
        """The session, its row locked until the transaction ends."""
        return await self._lock_session(session_id)

    async def move(
        self, session_id: uuid.UUID, from_stage: SessionStage, to_stage: SessionStage, *, actor: Actor
    ) -> Session:
        """Move on to the next stage; nothing happens when the session is there already."""
        record = await self._lock_session(session_id)
        if record.current_stage is to_stage:
            return record
        if record.current_stage is not from_stage:
            raise Refused(f"The session is at stage {record.current_stage}, not {from_stage}.")
        if STAGES.index(to_stage) != STAGES.index(from_stage) + 1:
            raise Refused(
                f"After {from_stage} comes {STAGES[STAGES.index(from_stage) + 1]}; no stage is skipped."
            )
        record.current_stage = to_stage
        if to_stage is SessionStage.COMPLETED:
            return await self._finish(actor, record, "session.completed", "Session completed")
        if record.status is SessionStatus.FAILED:
            record.status = SessionStatus.ACTIVE
        await self.session.flush()
        data = {"from": from_stage, "to": to_stage}
        await self._write(actor, record, "session.moved", f"{from_stage} done, {to_stage} next", data)
        return record

    async def set_status(self, session_id: uuid.UUID, status: SessionStatus, *, actor: Actor) -> None:
        """Say whether work can go on."""
        record = await self._lock_session(session_id)
        if record.status is status:
            return
        data = {"from": record.status, "to": status}
        record.status = status
        await self.session.flush()
        await self._write(actor, record, "session.status_changed", f"Session is {status}", data)

    async def bind_account(
        self,
        session_id: uuid.UUID,
        jira_site: str,
        jira_user_id: str,
        jira_display_name: str | None,
        *,
        actor: Actor,
    ) -> None:
        """Note the site and account of Jira the first time; other ones are refused ever after."""
        record = await self._lock_session(session_id)
        known, given = (record.jira_site, record.jira_user_id), (jira_site, jira_user_id)
        if known == given:
            return
        if record.jira_site not in (None, jira_site) or record.jira_user_id not in (None, jira_user_id):
            owner = record.jira_display_name or record.jira_user_id
            raise Refused(
                f"The session belongs to {f'{owner} at ' if owner else ''}{record.jira_site}; "
                f"the login is {jira_display_name or jira_user_id} at {jira_site}. Use the login it began with."
            )
        record.jira_site, record.jira_user_id, record.jira_display_name = (
            jira_site,
            jira_user_id,
            jira_display_name,
        )
        await self.session.flush()
        data = {"site": jira_site, "account": jira_user_id}
        await self._write(actor, record, "session.account_bound", f"Works in {jira_site}", data)

    async def store_spec_report(
        self,
        session_id: uuid.UUID,
        *,
        findings: Sequence[Mapping[str, Any]],
        scope_counts: Mapping[str, Any],
        held: Sequence[Mapping[str, Any]],
        reading: Mapping[str, Any] | None = None,
        changes: Mapping[str, Any] | None = None,
        actor: Actor,
    ) -> None:
        """Keep what the upload found out about the spec, and what it changed; `None` leaves that as it is."""
        record = await self._lock_session(session_id)
        if reading is not None:
            record.spec_reading = dict(reading)
        if changes is not None:
            record.spec_changes = dict(changes)
        record.findings = [dict(finding) for finding in findings]
        record.scope_counts = dict(scope_counts)
        record.held = [dict(row) for row in held]
        await self.session.flush()
        data = {"findings": len(findings), "held": len(held)}
        await self._write(actor, record, "session.spec_checked", f"{len(findings)} findings", data)

    async def spec_reading(self, session_id: uuid.UUID) -> dict[str, Any]:
        """What the last check of the session's files found; empty before the first."""
        query = select(Session.spec_reading).where(Session.id == session_id)
        return dict(await self.session.scalar(query) or {})

    async def store_plan(
        self,
        session_id: uuid.UUID,
        *,
        held: Sequence[Mapping[str, Any]],
        given_way: Sequence[Sequence[str]],
        actor: Actor,
    ) -> None:
        """Keep which rows got no ticket, and which dependencies gave way to break a cycle."""
        record = await self._lock_session(session_id)
        record.held = [dict(row) for row in held]
        record.given_way = [list(edge) for edge in given_way]
        await self.session.flush()
        data = {"held": len(held), "given_way": len(given_way)}
        await self._write(actor, record, "session.planned", "Tickets planned", data)

    async def record_spec(self, session_id: uuid.UUID, spec_hash: str, *, actor: Actor) -> None:
        """Note which spec the session is about."""
        record = await self._lock_session(session_id)
        if record.spec_hash == spec_hash:
            return
        record.spec_hash = spec_hash
        await self.session.flush()
        await self._write(actor, record, "session.spec_given", "Spec given", {"spec_hash": spec_hash})

    async def update_settings(
        self, session_id: uuid.UUID, settings: Mapping[str, Any], *, actor: Actor
    ) -> Session:
        """Replace the settings; another provider or model is refused once processing has begun."""
        record = await self._lock_session(session_id)
        before, after = dict(record.settings), dict(settings)
        if before == after:
            return record
        if _writer_of(before) != _writer_of(after) and await self._processing_began(record):
            raise Refused("Provider and model stay as they are once processing has begun.")
        record.settings = after
        await self.session.flush()
        level = _level_of(before)
        data = {"audit_level": {"from": level, "to": _level_of(after)}} if level != _level_of(after) else {}
        await self._write(actor, record, "session.settings_changed", "Settings changed", data, level)
        return record

    async def _processing_began(self, record: Session) -> bool:
        if STAGES.index(record.current_stage) > STAGES.index(SessionStage.PROCESSING):
            return True
        began = exists().where(SessionTask.session_id == record.id, SessionTask.started_at.is_not(None))
        return bool(await self.session.scalar(select(began)))


def _writer_of(settings: Mapping[str, Any]) -> tuple[str, str]:
    """Provider and model as settings name them; what they leave out is their default."""
    writing = settings.get("writing", {})
    return writing.get("provider", "auto"), writing.get("model", "")


def _level_of(settings: Mapping[str, Any]) -> AuditLevel:
    return AuditLevel(settings.get("audit_level", AuditLevel.BASIC))


def _in_jira() -> Any:
    issue = exists().where(Ticket.session_id == Session.id, Ticket.jira_ticket_key.is_not(None))
    return or_(Session.current_stage == SessionStage.COMPLETED, issue, has_open_intent(Session.id))
