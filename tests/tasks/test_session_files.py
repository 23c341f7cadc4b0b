"""Files of a session: corrected ones replace their predecessors, wrong words about them are refused whole."""

import uuid
from collections.abc import Sequence

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.repositories.files import FileRepository
from tasks.core.errors import UserFixable
from tasks.core.settings import Limits
from tasks.core.spec.model import SourceFile
from tasks.session_files import keep_files, remove_files, set_types
from tests.builders.database import DIRECTOR, make_session

LIMITS = Limits()


@pytest.fixture
async def session_id(engine: AsyncEngine) -> uuid.UUID:
    return await make_session(engine)


async def keep(
    engine: AsyncEngine, session_id: uuid.UUID, *names: str, content: bytes = b"x", limits: Limits = LIMITS
) -> None:
    async with session_scope(engine) as session:
        files = [SourceFile(name, content) for name in names]
        await keep_files(FileRepository(session), session_id, files, limits, DIRECTOR)


async def stored(engine: AsyncEngine, session_id: uuid.UUID) -> dict[str, bytes]:
    async with session_scope(engine) as session:
        files = await FileRepository(session).list_files(session_id, content=True)
        return {file.filename: file.content for file in files}


async def types(engine: AsyncEngine, session_id: uuid.UUID) -> dict[str, str | None]:
    async with session_scope(engine) as session:
        return {file.filename: file.csv_type for file in await FileRepository(session).list_files(session_id)}


async def test_a_second_download_replaces_the_first(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    await keep(engine, session_id, "Fields.csv", "Bundles.csv")
    await keep(engine, session_id, "Fields (1).csv", content=b"corrected")
    assert await stored(engine, session_id) == {"Fields.csv": b"corrected", "Bundles.csv": b"x"}


async def test_files_that_come_together_are_all_kept(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    await keep(engine, session_id, "Fields.csv", "Fields (1).csv")
    await keep(engine, session_id, "Fields (1).csv", content=b"corrected")
    assert await stored(engine, session_id) == {"Fields.csv": b"x", "Fields (1).csv": b"corrected"}


async def test_a_workbook_replaces_all_its_sheets(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    await keep(engine, session_id, "spec.xlsx/Bundles", "spec.xlsx/Old", "Extra.csv")
    await keep(engine, session_id, "spec (2).xlsx/Bundles", "spec (2).xlsx/New", content=b"corrected")
    assert set(await stored(engine, session_id)) == {"spec.xlsx/Bundles", "spec.xlsx/New", "Extra.csv"}


async def test_the_limits_hold_over_all_uploads(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    limits = Limits(files=2, total_bytes=10)
    await keep(engine, session_id, "a.xlsx/1", "a.xlsx/2", "b.csv", limits=limits)
    with pytest.raises(UserFixable, match="3 files"):
        await keep(engine, session_id, "c.csv", limits=limits)
    with pytest.raises(UserFixable, match="All files of the session"):
        await keep(engine, session_id, "b.csv", content=b"x" * 9, limits=limits)
    assert (await stored(engine, session_id))["b.csv"] == b"x"


@pytest.mark.parametrize(
    ("given", "csv_type"),
    [
        ({"Tab, no. 1 = new.csv": "menus"}, "menus"),
        ({"tab, no. 1 = NEW.csv": "Menu"}, "menus"),
        ({"some/where/Tab, no. 1 = new.csv": "Custom view modes"}, "view_modes"),
        ({"Tab, no. 1 = new.csv": "custom:User roles:Used=on"}, "custom:user_roles:Used=on"),
    ],
)
async def test_a_person_says_what_a_file_is(
    engine: AsyncEngine, session_id: uuid.UUID, given: dict[str, str], csv_type: str
) -> None:
    await keep(engine, session_id, "Tab, no. 1 = new.csv")
    async with session_scope(engine) as session:
        await set_types(FileRepository(session), session_id, given, DIRECTOR)
    assert await types(engine, session_id) == {"Tab, no. 1 = new.csv": csv_type}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"a.csv": "menus", "b.csv": "nonsense"}, "no tab type “nonsense”"),
        ({"a.csv": "menus", "c.csv": "menus"}, "no file “c.csv”"),
        ({"a.csv": "custom:Nobody:Role"}, "no tab type “Nobody”"),
        ({"a.csv": "custom:menus: "}, "no tab type"),
    ],
)
async def test_nothing_is_kept_of_what_makes_no_sense(
    engine: AsyncEngine, session_id: uuid.UUID, given: dict[str, str], said: str
) -> None:
    await keep(engine, session_id, "a.csv", "b.csv")
    with pytest.raises(UserFixable, match=said):
        async with session_scope(engine) as session:
            await set_types(FileRepository(session), session_id, given, DIRECTOR)
    assert set((await types(engine, session_id)).values()) == {None}


async def remove(engine: AsyncEngine, session_id: uuid.UUID, names: Sequence[str]) -> None:
    async with session_scope(engine) as session:
        await remove_files(FileRepository(session), session_id, names, DIRECTOR)


async def test_files_are_taken_out_but_never_the_last(engine: AsyncEngine, session_id: uuid.UUID) -> None:
    await keep(engine, session_id, "a.csv", "b.csv")
    await remove(engine, session_id, ["A.csv"])
    assert set(await stored(engine, session_id)) == {"b.csv"}
    for names, said in ((["b.csv"], "all files of the session"), (["c.csv"], "no file")):
        with pytest.raises(UserFixable, match=said):
            await remove(engine, session_id, names)
