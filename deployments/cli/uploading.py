"""What `upload` does before the check: files kept in place of their predecessors, or taken out."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import typer
from sqlalchemy.ext.asyncio import AsyncEngine

from db.actor import Actor
from db.engine import session_scope
from db.enums import SessionStage
from db.models import Session
from db.repositories.files import FileRepository
from db.repositories.sessions import SessionRepository
from deployments.cli.output import note
from deployments.cli.run import spec_hash_of
from tasks.core.errors import UserFixable
from tasks.core.settings import SessionSettings
from tasks.session_files import keep_files, remove_files
from tasks.sources import read_local

_OPEN = (SessionStage.SITE_INFO_COLLECTION, SessionStage.UPLOAD, SessionStage.PROCESSING)


def types_given(texts: Sequence[str]) -> dict[str, str]:
    """`Menus.csv=menus` and `Access, by role.csv=custom:user_roles:Role`, whatever the file's name holds."""
    found = {}
    for text in texts:
        name, equals, custom = text.rpartition("=custom:")
        csv_type = f"custom:{custom}"
        if not equals:
            name, equals, csv_type = text.rpartition("=")
        if not (name.strip() and csv_type.strip()):
            raise typer.BadParameter(f"--as: “{text}” does not read FILE=TYPE.")
        found[name.strip()] = csv_type.strip()
    return found


async def give_files(
    engine: AsyncEngine, record: Session, spec: Sequence[Path], remove: Sequence[str], acting: Actor
) -> None:
    """Keep the files of a spec with a session that still takes some, and take others out."""
    limits = SessionSettings.model_validate(record.settings).limits
    files = await asyncio.to_thread(read_local, spec, limits) if spec else []
    async with session_scope(engine) as session:
        sessions, repository = SessionRepository(session), FileRepository(session)
        stage = (await sessions.lock(record.id)).current_stage
        if stage not in _OPEN:
            raise UserFixable(
                f"The session is at stage {stage}; its tickets are made from the files it has.",
                actions=(f"Go back first: drupal-tickets session rollback {record.id} --to upload --yes",),
                code="wrong-stage",
            )
        names = await keep_files(repository, record.id, files, limits, acting)
        await remove_files(repository, record.id, remove, acting)
        stored = await repository.list_files(record.id, content=True)
        await sessions.record_spec(record.id, spec_hash_of(file.content for file in stored), actor=acting)
    for given, kept in names.items():
        if given != kept:
            note(f"“{given}” takes the place of “{kept}”.")
