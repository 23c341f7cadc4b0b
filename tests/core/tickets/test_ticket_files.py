"""Tickets as files: written, changed in an editor or a spreadsheet, and read back exactly."""

import csv
import io
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.core.errors import UserFixable
from tasks.core.tickets.editable import FIELDS, NAMES, Copy, Value, edits, mark, merge, normal_values
from tasks.core.tickets.sheet import neutral, read_sheet, restored, write_sheet
from tasks.core.tickets.ticket_file import SPEC, read_file, write_file
from tests.builders.tickets import article

ID = "00000000-0000-0000-0000-000000000001"
PLAN = article({"label": "Teaser | # text", "Help text": "# From the spec (not read back)"})
TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=60
) | st.sampled_from(
    [
        SPEC,
        "# Notes\nmine",
        "# Success criteria",
        "- item",
        "\\# x",
        "---",
        "...",
        "yes",
        "null",
        "=1+1",
        "'=x",
        "''",
        "@a",
        "a: b # c",
        "&a *b !c",
        "\ufeff",
        "\u2028",
        "שלום",
        "🚀",
        "12",
        "%x",
        "- ",
        "\\",
        "#",
    ]
)
SEVERAL = st.lists(TEXT, max_size=4)


def values(**given_: Any) -> dict[str, Value]:
    plain: dict[str, Any] = {
        "title": "A title",
        "story": "As a…",
        "criteria": ["one", "two"],
        "user_notes": "",
        "sprint": None,
        "assignee": None,
        "issue_type": "Task",
        "priority": None,
        "labels": [],
        "components": [],
        "ready_for_jira": True,
    }
    return normal_values(plain | given_)


VALUES = st.builds(
    values,
    title=TEXT,
    story=TEXT,
    criteria=SEVERAL,
    user_notes=TEXT,
    sprint=TEXT,
    assignee=TEXT,
    issue_type=TEXT,
    priority=TEXT,
    labels=SEVERAL,
    components=SEVERAL,
    ready_for_jira=st.booleans(),
)


def file_of(given_: dict[str, Value]) -> str:
    return write_file(ID, 3, given_, PLAN)


def copy_of(text: str) -> Copy:
    return read_file(text, "a.md")


@given(VALUES)
@example(values(user_notes=f"before\n{SPEC}\nafter"))
@example(values(story="# Success criteria", title="yes", labels=["=a", "- b"]))
def test_a_file_says_exactly_what_the_ticket_said(given_: dict[str, Value]) -> None:
    copy = copy_of(file_of(given_))
    assert copy.values == given_
    assert edits(copy) == {}


@given(VALUES)
def test_so_does_a_sheet(given_: dict[str, Value]) -> None:
    sheet = write_sheet([(ID, mark(3, given_), "Content", given_)]).decode("utf-8-sig")
    (copy,) = read_sheet(sheet, "all.csv")
    assert copy.values == given_
    assert edits(copy) == {}


@given(VALUES)
def test_no_cell_of_a_sheet_is_a_formula(given_: dict[str, Value]) -> None:
    rows = csv.reader(
        io.StringIO(write_sheet([(ID, mark(1, given_), "Content", given_)]).decode("utf-8-sig"), newline="")
    )
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@given(st.text(st.sampled_from("'=+-@\t a＝")))
def test_a_neutralised_cell_is_restored(cell: str) -> None:
    assert restored(neutral(cell)) == cell


def test_a_spreadsheet_that_drops_the_guard_changes_nothing() -> None:
    assert restored("=1+1") == "=1+1"


def test_what_a_person_changes_is_found() -> None:
    text = (
        file_of(values())
        .replace("- two", "- two, and\n  more")
        .replace("title: A title", "title: Another title")
    )
    assert edits(copy_of(text)) == {"title": "Another title", "criteria": ("one", "two, and more")}


def test_a_line_that_is_deleted_from_the_front_matter_is_not_a_change() -> None:
    text = file_of(values(sprint="Sprint 5")).replace("sprint: Sprint 5\n", "")
    assert edits(copy_of(text)) == {}


def test_windows_line_ends_change_nothing() -> None:
    assert edits(copy_of(file_of(values(user_notes="a\n\nb")).replace("\n", "\r\n"))) == {}


def test_changes_of_different_fields_go_together() -> None:
    copy = copy_of(file_of(values()).replace("title: A title", "title: Mine"))
    merged = merge(copy, values(sprint="Sprint 6"))
    assert (merged.changes, merged.conflicts) == ({"title": "Mine"}, ())


def test_a_field_changed_on_both_sides_is_a_conflict() -> None:
    copy = copy_of(file_of(values()).replace("title: A title", "title: Mine").replace("- one", "- uno"))
    merged = merge(copy, values(title="Theirs"))
    assert merged.changes == {"criteria": ("uno", "two")}
    assert [(one.field, one.theirs, one.mine) for one in merged.conflicts] == [("title", "Theirs", "Mine")]


def test_the_same_change_on_both_sides_is_none() -> None:
    copy = copy_of(file_of(values()).replace("title: A title", "title: Same"))
    assert merge(copy, values(title="Same")) == merge(copy_of(file_of(values())), values())


FRONT = file_of(values()).split("---\n")[1]


@pytest.mark.parametrize(
    "line",
    [
        "title: !!python/object/apply:os.system ['true']",
        "title: &a x",
        "title: *a",
        "title: !x y",
        "<<: {title: x}",
        "title: [a, b]",
        "colour: red",
        "title: x\ntitle: y",
        "labels: {a: b}",
        "ready: perhaps",
        "title: 'open",
        "title: {a: b}",
        "%YAML 1.1",
        "? [a]\n: b",
    ],
)
def test_front_matter_that_is_unsafe_or_wrong_is_refused(line: str) -> None:
    text = file_of(values()).replace("title: A title", line)
    with pytest.raises(UserFixable, match=r"a\.md"):
        copy_of(text)


def test_a_bomb_is_refused_before_it_grows() -> None:
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]"
    with pytest.raises(UserFixable, match="anchor"):
        copy_of(file_of(values()).replace("title: A title", bomb))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no front matter",
        "---\n- a\n---\n",
        "---\nid: x\nbase: y\n---\n",
        "---\n" + "[" * 5000 + "\n---\n",
        "\x00",
        "---\n\x07\n---\n",
    ],
)
def test_what_is_no_file_of_ours_is_refused(text: str) -> None:
    with pytest.raises(UserFixable, match=r"a\.md"):
        copy_of(text)


def test_a_missing_heading_is_named() -> None:
    with pytest.raises(UserFixable, match="# Notes"):
        copy_of(file_of(values()).replace("# Notes", "Notes"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"base"', '"bass"'),
        ('"title"', '"titel"'),
        (".", ","),
        ('"yes"', '"maybe"'),
        ('"Content"', '"Content","more"'),
        ('"A title"', '"A title'),
    ],
)
def test_a_sheet_that_cannot_be_read_is_refused(before: str, after: str) -> None:
    sheet = write_sheet([(ID, mark(3, values()), "Content", values())]).decode("utf-8-sig")
    assert before in sheet
    with pytest.raises(UserFixable, match=r"all\.csv"):
        list(read_sheet(sheet.replace(before, after), "all.csv"))


def test_a_spreadsheet_may_save_it_with_semicolons_and_other_columns() -> None:
    text = f"title;id;base;ready\r\nNew;{ID};{mark(3, values())};no\r\n;;;\r\n"
    (copy,) = read_sheet(text, "all.csv")
    assert edits(copy) == {"title": "New", "ready_for_jira": False}


def test_every_field_has_a_name_of_its_own() -> None:
    assert len({NAMES[field] for field in FIELDS}) == len(FIELDS)
