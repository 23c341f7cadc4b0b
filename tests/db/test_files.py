"""Files of a session: the same name replaces, a person's word on the type holds."""

import hashlib
import uuid

import pytest
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.enums import FileValidationStatus, TypeSetBy
from db.errors import NotFound
from db.models import UploadedFile
from db.repositories.files import FileRepository
from tests.builders.database import DIRECTOR, FLOW


async def add(
    engine: AsyncEngine, session_id: uuid.UUID, content: bytes, filename: str = "a.csv"
) -> UploadedFile:
    async with session_scope(engine) as session:
        return await FileRepository(session).add(session_id, filename, content, actor=DIRECTOR)


async def read(engine: AsyncEngine, file: UploadedFile, csv_type: str = "views") -> None:
    async with session_scope(engine) as session:
        await FileRepository(session).store_parsed(
            file.id,
            csv_type=csv_type,
            parsed={"rows": [["007"]]},
            row_count=1,
            status=FileValidationStatus.VALID,
            type_set_by=file.type_set_by or TypeSetBy.DETECTION,
            actor=FLOW,
        )


async def files(engine: AsyncEngine, session_id: uuid.UUID) -> list[UploadedFile]:
    async with session_scope(engine) as session:
        return await FileRepository(session).list_files(session_id, content=True, parsed=True)


async def test_a_file_is_kept_as_it_is(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    content = bytes(range(256)) * 10
    await add(engine, session_id, content, "b.csv")
    await add(engine, session_id, b"", "a.csv")
    first, second = await files(engine, session_id)
    assert (first.filename, first.content, first.file_size_bytes) == ("a.csv", b"", 0)
    assert (second.content, second.file_size_bytes) == (content, 2560)
    assert second.content_hash == hashlib.sha256(content).hexdigest()
    assert second.validation_status is FileValidationStatus.PENDING


async def test_a_file_of_the_same_name_replaces_and_has_to_be_read_again(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    old = await add(engine, session_id, b"old")
    await read(engine, old)
    new = await add(engine, session_id, b"newer")
    assert new.id == old.id
    [file] = await files(engine, session_id)
    assert (file.content, file.csv_type, file.parsed_content, file.processed_at) == (
        b"newer",
        None,
        None,
        None,
    )
    assert file.validation_status is FileValidationStatus.PENDING


async def test_the_same_file_again_changes_nothing(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    await read(engine, await add(engine, session_id, b"same"))
    await add(engine, session_id, b"same")
    [file] = await files(engine, session_id)
    assert (file.csv_type, file.parsed_content) == ("views", {"rows": [["007"]]})
    assert file.processed_at is not None


async def test_what_a_person_says_about_a_type_outlives_a_new_upload(
    engine: AsyncEngine, session_id: uuid.UUID
) -> None:
    await add(engine, session_id, b"old")
    async with session_scope(engine) as session:
        await FileRepository(session).set_types(session_id, {"a.csv": "menus"}, actor=DIRECTOR)
    await add(engine, session_id, b"new")
    [file] = await files(engine, session_id)
    assert (file.csv_type, file.type_set_by) == ("menus", TypeSetBy.PERSON)
    async with session_scope(engine) as session:
        with pytest.raises(NotFound, match=r"no file x\.csv"):
            await FileRepository(session).set_types(session_id, {"x.csv": "menus"}, actor=DIRECTOR)


async def test_contents_are_not_loaded_unless_asked_for(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    await add(engine, session_id, b"x")
    async with session_scope(engine) as session:
        [file] = await FileRepository(session).list_files(session_id)
        with pytest.raises(InvalidRequestError):
            _ = file.content


async def test_files_can_be_taken_out(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    await add(engine, session_id, b"x", "a.csv")
    await add(engine, session_id, b"y", "b.csv")
    async with session_scope(engine) as session:
        await FileRepository(session).remove(session_id, ["a.csv", "unknown.csv"], actor=DIRECTOR)
    assert [file.filename for file in await files(engine, session_id)] == ["b.csv"]
