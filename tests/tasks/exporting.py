"""An export as the flow runs it, without Prefect: a real database, a real sandbox, the real steps."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from blocks.jira_client import JiraClient
from db.engine import session_scope
from db.enums import SessionStage, TaskType
from db.fence import Fence
from db.models import Session, SessionError, Ticket
from db.repositories.audit import AuditRepository
from db.repositories.background import TaskRepository
from db.repositories.errors import ErrorRepository
from db.repositories.sessions import SessionRepository
from db.repositories.tickets import Content, NewAttachment, NewTicket, TicketRepository
from tasks import export_steps as steps
from tasks.core.settings import JiraSettings, SessionSettings
from tasks.core.tickets.hashing import content_hash
from tasks.core.tickets.model import AttachmentFile
from tasks.core.tickets.payload import PROPERTY
from tasks.export_desk import Desk, ask_before_writing
from tasks.export_intents import IntentLedger
from tasks.export_ledger import nobody_else
from tasks.jira_pauses import share_pauses
from tests.builders.database import (
    DIRECTOR,
    FLOW,
    adf,
    make_session,
    move_to,
    new_ticket,
    store_tickets,
    validate,
)
from tests.jira_sandbox import JiraSandbox

# Scaled down together: a request takes effect within 1 s, a search knows it 0.6 s later.
QUICK = JiraSettings(request_seconds=1.0, index_seconds=0.6)


def ticket(
    key: str, position: int = 0, *, depends_on: Sequence[str] = (), file: str = "", **changed: Any
) -> NewTicket:
    """A ticket whose hash is that of its content."""
    title, description = f"Create {key}", adf(f"All about {key}")
    attachment = NewAttachment(f"{key}.md", file) if file else None
    value = AttachmentFile(filename=attachment.filename, content=file) if attachment else None
    rows = [{"csv_type": "bundles", "machine_name": key, "type": "Content type"}]
    given = {
        "title": title,
        "description": description,
        "content_hash": content_hash(title, description, value),
        "attachment": attachment,
        "position": position,
        "depends_on": depends_on,
        "plan": {"key": key, "rows": rows},
    }
    return new_ticket(key, **(given | changed))


def tickets(count: int, *, chained: bool = False, files: int = 0) -> list[NewTicket]:
    """Tickets t0, t1 and so on; `chained` lets each wait for the one before, the first `files` have a file."""
    return [
        ticket(
            f"t{n}",
            n,
            depends_on=[f"t{n - 1}"] if chained and n else [],
            file=f"# Table of t{n}\n" if n < files else "",
        )
        for n in range(count)
    ]


@dataclass
class Export:
    """One session at the door to Jira."""

    engine: AsyncEngine
    sandbox: JiraSandbox
    session_id: uuid.UUID
    ids: dict[str, uuid.UUID]
    project: str = "LAKE"
    login: tuple[str, str] = ("", "")
    runs: int = field(default=0)

    @asynccontextmanager
    async def desk(
        self, fence: Fence, still_wanted: Callable[[], Awaitable[None]] = nobody_else
    ) -> AsyncIterator[Desk]:
        """The desk of one run, which asks before it writes."""
        async with self.open_desk(fence, still_wanted) as desk:
            ask_before_writing(desk.client, desk.ledger)
            yield desk

    @asynccontextmanager
    async def open_desk(
        self, fence: Fence, still_wanted: Callable[[], Awaitable[None]] = nobody_else
    ) -> AsyncIterator[Desk]:
        """The desk of somebody who holds no session, as the later search is."""
        async with session_scope(self.engine) as session:
            record = await SessionRepository(session).get(self.session_id)
        settings = SessionSettings.model_validate(record.settings).jira
        async with self.client(settings) as client:
            ledger = IntentLedger(
                self.engine,
                self.session_id,
                fence,
                FLOW,
                client.site,
                self.project,
                client.address_of,
                still_wanted,
            )
            share_pauses(client, self.engine)
            yield Desk(record, settings, client, ledger)

    def client(self, settings: JiraSettings) -> JiraClient:
        """How this export logs in."""
        email, token = self.login if self.login[0] else (self.sandbox.email, self.sandbox.token)
        return JiraClient(self.sandbox.url, email, token, in_flight=settings.in_flight)

    async def claim(self, task_id: str | None = None) -> Fence:
        """Take the session for a new run."""
        self.runs += 1
        name = task_id or f"run-{self.runs}"
        async with session_scope(self.engine) as session:
            attempt = await TaskRepository(session).claim(self.session_id, TaskType.EXPORT, name, actor=FLOW)
        return Fence(name, attempt)

    async def run(self, task_id: str | None = None) -> list[Ticket]:
        """What the export flow does, the ending of a failed run included."""
        fence = await self.claim(task_id)
        try:
            async with self.desk(fence) as desk:
                return await run_steps(desk)
        except BaseException:
            await self.fail(fence)
            raise

    async def fail(self, fence: Fence) -> None:
        """End the run as the flow or the reconciler does."""
        async with session_scope(self.engine) as session:
            await TaskRepository(session).fail(
                self.session_id, fence.task_id, fence.attempt, context={}, actor=FLOW, counts=False
            )

    async def current(self) -> Fence | None:
        """The run that holds the session."""
        async with session_scope(self.engine) as session:
            row = await TaskRepository(session).current(self.session_id)
        return Fence(str(row.task_id), row.attempt) if row else None

    async def edit(self, key: str, title: str) -> None:
        """A person changes a title; the content is built anew, as the command line does."""
        content = Content(adf(title), content_hash(title, adf(title), None))
        async with session_scope(self.engine) as session:
            repository = TicketRepository(session)
            before = await repository.get(self.ids[key])
            await repository.edit(
                self.ids[key],
                self.session_id,
                {"title": title},
                revision=before.revision,
                actor=DIRECTOR,
                content=content,
            )

    async def cancel(self) -> None:
        """A person asks for the work to stop."""
        async with session_scope(self.engine) as session:
            await SessionRepository(session).request_cancel(self.session_id, actor=DIRECTOR)

    # What can be seen afterwards

    async def tickets(self) -> list[Ticket]:
        async with session_scope(self.engine) as session:
            return await TicketRepository(session).list_tickets(self.session_id)

    async def record(self) -> Session:
        async with session_scope(self.engine) as session:
            return await SessionRepository(session).get(self.session_id)

    async def events(self) -> list[str]:
        async with session_scope(self.engine) as session:
            return [entry.event_type for entry in await AuditRepository(session).trail(self.session_id)]

    async def errors(self) -> list[SessionError]:
        async with session_scope(self.engine) as session:
            return await ErrorRepository(session).list_errors(self.session_id)

    async def fixes(self) -> dict[str, list[str]]:
        """Per planned key, the fields that need a hand."""
        return {
            t.key: [fix["field"] for fix in t.manual_fixes] for t in await self.tickets() if t.manual_fixes
        }

    def issues(self) -> list[dict[str, Any]]:
        return self.sandbox.issues(self.project)

    def issues_by_ticket(self) -> dict[str, list[str]]:
        """Issue keys by the planned key of the ticket that each says it is."""
        names = {str(ticket_id): key for key, ticket_id in self.ids.items()}
        found: dict[str, list[str]] = {}
        for issue in self.issues():
            found.setdefault(names[issue["properties"][PROPERTY]["ticket"]], []).append(issue["key"])
        return found

    async def assert_exactly_once(self) -> None:
        """Every ticket has one issue, that issue is its own, with its text, its file and its links."""
        stored = {t.key: t for t in await self.tickets()}
        assert self.issues_by_ticket() == {key: [t.jira_ticket_key] for key, t in stored.items()}
        issues = {issue["key"]: issue for issue in self.issues()}
        for t in stored.values():
            fields = issues[t.jira_ticket_key]["fields"]
            assert (fields["summary"], fields["description"]) == (t.title, t.description)
            names = [file["filename"] for file in issues[t.jira_ticket_key]["attachments"]]
            assert names == ([t.attachment.filename] if t.attachment else [])
        assert self.links() == await self.wanted_links()

    def links(self) -> list[tuple[str, str]]:
        """(blocker, waiting) of every link in Jira; each shows on both of its issues."""
        by_id = {link["id"]: (link["source"], link["target"]) for i in self.issues() for link in i["links"]}
        return sorted(by_id.values())

    async def wanted_links(self) -> list[tuple[str, str]]:
        async with session_scope(self.engine) as session:
            edges = await TicketRepository(session).dependencies(self.session_id)
        keys = {t.id: t.jira_ticket_key for t in await self.tickets()}
        pairs = [(str(keys[on]), str(keys[waiting])) for waiting, others in edges.items() for on in others]
        return sorted(pairs)


async def until_asked(sandbox: JiraSandbox, method: str, path: str) -> None:
    """Wait until such a request has come to the site."""
    while not any(call["path"].endswith(path) for call in sandbox.journal(method, path)):  # noqa: ASYNC110
        await asyncio.sleep(0.02)


async def run_steps(desk: Desk) -> list[Ticket]:
    """The steps in the order of the flow."""
    target = await steps.prepare(desk)
    await steps.create(desk, target)
    await asyncio.gather(steps.attach(desk), steps.link(desk, target))
    return await steps.complete(desk)


async def make_export(
    engine: AsyncEngine,
    sandbox: JiraSandbox,
    made: Sequence[NewTicket],
    jira: JiraSettings = QUICK,
    project: str = "LAKE",
) -> Export:
    """A session whose tickets are validated, at the stage of the export."""
    settings = SessionSettings(jira=jira).model_dump(mode="json")
    session_id = await make_session(engine, jira_project_key=project, settings=settings)
    await move_to(engine, session_id, SessionStage.REVIEW)
    ids = await store_tickets(engine, session_id, *made)
    await validate(engine, session_id)
    await move_to(engine, session_id, SessionStage.JIRA_EXPORT)
    return Export(engine, sandbox, session_id, ids, project)
