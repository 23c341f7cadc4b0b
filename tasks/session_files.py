"""Files kept with a session: a corrected one replaces its predecessor, and what people say of them is checked."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from db.actor import Actor
from db.repositories.files import FileRepository
from tasks.core.errors import UserFixable
from tasks.core.settings import Limits
from tasks.core.spec.file_names import handed_in, known_file, outdated, replacing
from tasks.core.spec.model import SourceFile
from tasks.core.spec.registry import named_type
from tasks.sources import too_large, too_many_files


async def keep_files(
    repository: FileRepository, session_id: UUID, files: Sequence[SourceFile], limits: Limits, actor: Actor
) -> Mapping[str, str]:
    """Keep files with a session; returns under which name each is kept."""
    stored = [file.filename for file in await repository.list_files(session_id)]
    names = replacing([file.filename for file in files], stored)
    for file in files:
        await repository.add(session_id, names[file.filename], file.content, actor=actor)
    await repository.remove(session_id, outdated(set(names.values()), stored), actor=actor)
    await _check_limits(repository, session_id, limits)
    return names


async def _check_limits(repository: FileRepository, session_id: UUID, limits: Limits) -> None:
    """The limits hold for all files of a session, however many uploads they came in."""
    files = await repository.list_files(session_id)
    if sum(file.file_size_bytes for file in files) > limits.total_bytes:
        raise too_large("All files of the session are larger", limits.total_bytes, "total_bytes")
    count = len({handed_in(file.filename) for file in files})
    if count > limits.files:
        raise too_many_files(count, limits)


async def set_types(
    repository: FileRepository, session_id: UUID, types: Mapping[str, str], actor: Actor
) -> None:
    """What a person says that files are; nothing is kept of it unless all of it makes sense."""
    stored = [file.filename for file in await repository.list_files(session_id)]
    chosen = {known_file(name, stored): named_type(csv_type) for name, csv_type in types.items()}
    await repository.set_types(session_id, chosen, actor=actor)


async def remove_files(
    repository: FileRepository, session_id: UUID, names: Sequence[str], actor: Actor
) -> None:
    """Take files out of a session."""
    stored = [file.filename for file in await repository.list_files(session_id)]
    gone = [known_file(name, stored) for name in names]
    if gone and len(set(gone)) == len(stored):
        raise UserFixable(
            "These are all files of the session; it needs at least one.",
            actions=["Give it others first, or close it: drupal-tickets session close."],
            code="no-files",
        )
    await repository.remove(session_id, gone, actor=actor)
