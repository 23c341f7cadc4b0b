"""Pull and push against real Postgres and a real folder."""

import csv
import io
import os
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import session_scope
from db.models import Ticket
from db.repositories.audit import AuditRepository
from db.repositories.intents import IntentRepository, JiraIssue
from db.repositories.tickets import TicketRepository
from db.repositories.validations import ValidationRepository
from tasks import review
from tasks.core.errors import UserFixable
from tasks.core.tickets.pushing import Push, Side
from tasks.review_files import pull, push
from tasks.ticket_folder import SHEET
from tests.builders.database import DIRECTOR, validate
from tests.builders.reviewing import know_project, reviewable


class Folder:
    """A session's tickets as files."""

    def __init__(self, engine: AsyncEngine, session_id: UUID, folder: Path) -> None:
        self.engine, self.session_id, self.path = engine, session_id, folder

    async def tickets(self) -> dict[str, Ticket]:
        async with session_scope(self.engine) as session:
            found = await TicketRepository(session).list_tickets(self.session_id)
        return {ticket.title.split(": ")[-1]: ticket for ticket in found}

    async def file(self, name: str) -> Path:
        return self.path / f"{(await self.tickets())[name].id}.md"

    async def change(self, name: str, before: str, after: str) -> None:
        path = await self.file(name)
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after, 1))

    def change_sheet(self, column: str, value: str, row: int = 0) -> None:
        path = self.path / SHEET
        rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))
        rows[row][column] = value
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        path.write_bytes(out.getvalue().encode())

    async def push(self, side: Side | None = None, dry_run: bool = False) -> Push:
        return await push(self.engine, self.session_id, self.path, DIRECTOR, side=side, dry_run=dry_run)

    async def fresh(self) -> bool:
        async with session_scope(self.engine) as session:
            return await ValidationRepository(session).is_fresh(self.session_id)


@pytest.fixture
async def folder(engine: AsyncEngine, tmp_path: Path) -> Folder:
    session_id = await reviewable(engine)
    await know_project(engine, session_id)
    await pull(engine, session_id, tmp_path / "tickets")
    return Folder(engine, session_id, tmp_path / "tickets")


async def test_there_is_a_file_for_each_ticket_and_one_sheet(folder: Folder) -> None:
    names = {f"{ticket.id}.md" for ticket in (await folder.tickets()).values()}
    assert {path.name for path in folder.path.iterdir()} == names | {SHEET}


async def test_pushing_what_was_pulled_changes_nothing(folder: Folder, engine: AsyncEngine) -> None:
    await validate(engine, folder.session_id)
    assert await folder.push() == Push()
    assert await folder.fresh()


async def test_changes_are_applied_and_leave_their_trail(folder: Folder, engine: AsyncEngine) -> None:
    await validate(engine, folder.session_id)
    await folder.change("Article", "# Notes\n", "# Notes\n\nSee [the guide](https://drupal.org).\n")
    await folder.change("Article", "sprint: ''", "sprint: sprint 5")
    await folder.push()
    article = (await folder.tickets())["Article"]
    assert (article.user_notes, article.sprint) == ("See [the guide](https://drupal.org).", "Sprint 5")
    assert "https://drupal.org" in str(article.description)
    assert not await folder.fresh()
    async with session_scope(engine) as session:
        trail = await AuditRepository(session).trail(folder.session_id)
    assert ("ticket.edited", DIRECTOR.claimed) in {(one.event_type, one.claimed_actor) for one in trail}


async def test_a_sheet_is_pushed_like_the_files(folder: Folder) -> None:
    folder.change_sheet("title", "=SUM(1)")
    await folder.push()
    assert "=SUM(1)" in {ticket.title for ticket in (await folder.tickets()).values()}
    assert "'=SUM(1)" in (folder.path / SHEET).read_text("utf-8-sig")


async def test_pushing_twice_is_pushing_once(folder: Folder) -> None:
    await folder.change("Page", "title: '", "title: 'X")
    await folder.push()
    assert await folder.push() == Push()


async def test_the_files_can_be_changed_again_after_a_push(folder: Folder) -> None:
    for title in ("First", "Second"):
        path = await folder.file("Page" if title == "First" else "First")
        lines = path.read_text().split("\n")
        lines[next(at for at, line in enumerate(lines) if line.startswith("title:"))] = f"title: {title}"
        path.write_text("\n".join(lines))
        assert len((await folder.push()).changes) == 1


async def test_a_dry_run_shows_the_difference_and_changes_nothing(folder: Folder) -> None:
    await folder.change("Page", "title: '", "title: 'New ")
    shown = await folder.push(dry_run=True)
    assert [set(change.after) for change in shown.changes] == [{"title"}]
    assert "New" not in " ".join(await folder.tickets())


async def test_a_field_changed_on_both_sides_is_named_and_nothing_is_applied(
    folder: Folder, engine: AsyncEngine
) -> None:
    page = (await folder.tickets())["Page"]
    await folder.change("Page", "title: '", "title: 'Mine ")
    await folder.change("Article", "ready: true", "ready: no")
    await review.edit_ticket(
        engine, folder.session_id, page.id, {"title": "Theirs", "sprint": "Sprint 5"}, DIRECTOR
    )
    with pytest.raises(UserFixable) as refused:
        await folder.push()
    assert "title: “Theirs” there" in refused.value.actions[0]
    assert "sprint" not in refused.value.actions[0]
    assert (await folder.tickets())["Article"].ready_for_jira


@pytest.mark.parametrize(("side", "title"), [(Side.MINE, "Mine"), (Side.THEIRS, "Theirs")])
async def test_a_side_can_be_chosen(folder: Folder, engine: AsyncEngine, side: Side, title: str) -> None:
    page = (await folder.tickets())["Page"]
    await folder.change("Page", f"title: '{page.title}'", "title: Mine")
    await review.edit_ticket(engine, folder.session_id, page.id, {"title": "Theirs"}, DIRECTOR)
    await folder.push(side)
    assert title in await folder.tickets()
    assert await folder.push() == Push()


async def test_other_fields_changed_on_both_sides_go_together(folder: Folder, engine: AsyncEngine) -> None:
    page = (await folder.tickets())["Page"]
    await folder.change("Page", "ready: true", "ready: no")
    await review.edit_ticket(engine, folder.session_id, page.id, {"title": "Theirs"}, DIRECTOR)
    await folder.push()
    assert not (await folder.tickets())["Theirs"].ready_for_jira


async def test_a_file_and_the_sheet_that_differ_are_refused(folder: Folder) -> None:
    for name in await folder.tickets():
        await folder.change(name, "title: '", "title: 'A")
    folder.change_sheet("title", "Another")
    with pytest.raises(UserFixable, match="both changed the ticket, differently: title"):
        await folder.push()


async def test_one_bad_change_keeps_all_from_being_applied(folder: Folder) -> None:
    await folder.change("Page", "title: '", "title: '" + "x" * 300)
    await folder.change("Article", "# Notes\n", "# Notes\n\nbell \x07\n")
    await folder.change("Image", "ready: true", "ready: no")
    with pytest.raises(UserFixable) as refused:
        await folder.push()
    assert "255" in " ".join(refused.value.actions)
    assert "U+0007" in " ".join(refused.value.actions)
    assert (await folder.tickets())["Image"].ready_for_jira


async def test_a_sprint_that_the_project_lacks_is_named_with_its_ticket(folder: Folder) -> None:
    await folder.change("Page", "sprint: ''", "sprint: Sprint 99")
    with pytest.raises(UserFixable, match=r"Page.*Sprint 99"):
        await folder.push()


async def test_forty_thousand_characters_are_refused(folder: Folder) -> None:
    await folder.change("Page", "# Notes\n", "# Notes\n\n" + "word " * 8_000 + "\n")
    with pytest.raises(UserFixable) as refused:
        await folder.push()
    assert "shorten the notes" in " ".join(refused.value.actions)


async def test_a_ticket_of_another_session_is_refused(
    folder: Folder, engine: AsyncEngine, tmp_path: Path
) -> None:
    other = await reviewable(engine)
    with pytest.raises(UserFixable, match="no ticket"):
        await push(engine, other, folder.path, DIRECTOR)
    with pytest.raises(UserFixable, match="another session"):
        await pull(engine, other, folder.path)


async def test_a_copy_under_another_name_is_refused(folder: Folder) -> None:
    path = await folder.file("Page")
    path.rename(folder.path / "00000000-0000-0000-0000-000000000001.md")
    with pytest.raises(UserFixable, match="not the one in its name"):
        await folder.push()


async def test_a_link_is_neither_read_nor_written(
    folder: Folder, engine: AsyncEngine, tmp_path: Path
) -> None:
    path, outside = await folder.file("Page"), tmp_path / "outside.md"
    path.rename(outside)
    path.symlink_to(outside)
    before = outside.read_bytes()
    with pytest.raises(UserFixable, match="link"):
        await folder.push()
    with pytest.raises(UserFixable, match="link"):
        await pull(engine, folder.session_id, folder.path, discard=True)
    assert outside.read_bytes() == before


async def test_a_folder_that_is_a_link_is_refused(
    folder: Folder, engine: AsyncEngine, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(folder.path, target_is_directory=True)
    with pytest.raises(UserFixable, match="not a folder"):
        await push(engine, folder.session_id, link, DIRECTOR)
    with pytest.raises(UserFixable, match="no folder"):
        await push(engine, folder.session_id, tmp_path / "nowhere", DIRECTOR)


async def test_a_folder_that_cannot_be_made_is_refused(
    folder: Folder, engine: AsyncEngine, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file" / "below", tmp_path / ("x" * 300)):
        with pytest.raises(UserFixable, match=str(tmp_path)) as refused:
            await pull(engine, folder.session_id, place)
        assert refused.value.code == "no-folder"


async def test_a_pipe_does_not_hang_a_push(folder: Folder) -> None:
    path = await folder.file("Page")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(UserFixable, match="no plain file"):
        await folder.push()


async def test_files_of_others_lie_there_unread(folder: Folder) -> None:
    (folder.path / "README.md").write_text("mine")
    (folder.path / ".DS_Store").write_bytes(b"\x00")
    assert await folder.push() == Push()


async def test_a_file_that_is_not_utf8_is_refused(folder: Folder) -> None:
    (await folder.file("Page")).write_bytes(b"---\nid: \xff\n---\n")
    with pytest.raises(UserFixable, match="UTF-8"):
        await folder.push()


async def test_changes_in_the_folder_are_not_pulled_over(folder: Folder, engine: AsyncEngine) -> None:
    await folder.change("Page", "title: '", "title: 'Mine ")
    with pytest.raises(UserFixable, match="not pushed"):
        await pull(engine, folder.session_id, folder.path)
    await pull(engine, folder.session_id, folder.path, discard=True)
    assert await folder.push() == Push()


async def test_a_ticket_in_jira_is_not_changed_by_a_file(folder: Folder, engine: AsyncEngine) -> None:
    page = (await folder.tickets())["Page"]
    async with session_scope(engine) as session:
        issue = JiraIssue(page.id, "LAKE-1", "https://x.org/LAKE-1")
        await IntentRepository(session).resolve(folder.session_id, [issue], actor=DIRECTOR)
    await folder.change("Page", "title: '", "title: 'New ")
    with pytest.raises(UserFixable) as refused:
        await folder.push()
    assert "LAKE-1" in refused.value.actions[0]
