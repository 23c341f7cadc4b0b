"""The description as Jira gets it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from tasks.core.settings import SessionSettings
from tasks.core.spec.model import SourceFile, Spec
from tasks.core.tickets.attachment import filename
from tasks.core.tickets.description import json_length, ranges, text_length
from tasks.core.tickets.model import PlannedTicket
from tasks.core.tickets.offline import write
from tasks.core.tickets.planning import plan_tickets
from tasks.core.tickets.validation import problems
from tests.builders.spec import bundle, field, lakeside, load, tab, uwec
from tests.builders.tickets import WITH_REMOVALS, article, article_with, described, the_ticket
from tests.core.tickets.wild import wild_specs


def headings(ticket: PlannedTicket, notes: str = "") -> list[str]:
    return [shown(block) for block in described(ticket, notes).adf["content"] if block["type"] == "heading"]


def shown(node: dict[str, Any]) -> str:
    return str(node.get("text", "\n" if node["type"] == "hardBreak" else "")) + "".join(
        map(shown, node.get("content", ()))
    )


def under(ticket: PlannedTicket, title: str, notes: str = "") -> list[dict[str, Any]]:
    blocks = described(ticket, notes).adf["content"]
    start = next(
        at for at, block in enumerate(blocks) if block["type"] == "heading" and shown(block) == title
    )
    end = next((at for at in range(start + 1, len(blocks)) if blocks[at]["type"] == "heading"), len(blocks))
    return list(blocks[start + 1 : end])


def test_a_description_has_its_story_first_and_then_its_parts() -> None:
    ticket = article({"label": "Body"})
    assert shown(described(ticket).adf["content"][0]) == write(ticket).story
    assert headings(ticket) == [
        "Configuration",
        "Bundles, from Bundles.csv",
        "Fields, from Fields.csv",
        "Success criteria",
        "Row by row",
        "Source",
    ]


def test_one_row_stands_as_columns_and_values() -> None:
    (table,) = under(article(**{"Mod.": "y"}), "Bundles, from Bundles.csv")
    assert [[shown(cell) for cell in row["content"]] for row in table["content"]] == [
        ["Name", "Article"],
        ["Machine name", "article"],
        ["Mod.", "y"],
        ["Type", "Content type"],
    ]


def test_what_is_equal_in_all_rows_stands_once_above_the_table_and_what_is_empty_nowhere() -> None:
    ticket = article({"label": "Body", "Help text": "Short."}, {"label": "Tags"})
    _, constants, table = under(ticket, "Fields, from Fields.csv")
    assert [shown(row["content"][0]) for row in constants["content"]] == [
        "Bundle",
        "Field type",
        "Req'd",
        "Vals.",
        "Bundle machine name",
    ]
    assert [[shown(cell) for cell in row["content"]] for row in table["content"]] == [
        ["Field label", "Machine name", "Help text"],
        ["Body", "field_body", "Short."],
        ["Tags", "field_tags", ""],
    ]


def test_a_cell_is_copied_to_the_letter_and_its_lines_are_hard_breaks() -> None:
    cell = "<strong>Size:</strong>\n\n 10 | 20 `px`"
    ticket = article({"label": "Body", "Help text": cell})
    rows = under(ticket, "Fields, from Fields.csv")[0]["content"]
    (written,) = [row["content"][1] for row in rows if shown(row["content"][0]) == "Help text"]
    assert shown(written) == cell
    assert [node["type"] for node in written["content"][0]["content"]] == [
        "text",
        "hardBreak",
        "hardBreak",
        "text",
    ]


def test_machine_names_in_criteria_are_code() -> None:
    (criteria,) = under(article(), "Row by row")
    marked = [node["text"] for node in criteria["content"][0]["content"][0]["content"] if "marks" in node]
    assert marked == ["article"]


def test_other_tickets_are_named_by_what_they_are() -> None:
    ticket = article().model_copy(
        update={
            "depends_on_names": ("Tags (vocabulary)",),
            "gave_way_names": ("Page (content type)",),
            "already_built": ("Image (media type)",),
            "not_built": ("Author (vocabulary): on hold",),
        }
    )
    assert shown(under(ticket, "Build after")[0]) == "Tags (vocabulary)"
    assert shown(under(ticket, "Refers to, without waiting for it")[0]) == "Page (content type)"
    assert shown(under(ticket, "Already built")[0]) == "Image (media type)"
    assert shown(under(ticket, "Not built now")[0]) == "Author (vocabulary): on hold"


def test_sources_are_files_and_records() -> None:
    assert shown(under(article_with(3), "Source")[0]) == "Bundles.csv: record 2Fields.csv: records 2–4"
    assert ranges([2, 3, 4, 6, 8, 9]) == "2–4, 6, 8, 9"


def test_notes_of_a_person_stand_as_they_wrote_them() -> None:
    blocks = under(article(), "Notes", notes="First line\nsecond line\n\nAnother `paragraph`.")
    assert [shown(block) for block in blocks] == ["First line\nsecond line", "Another paragraph."]


# Too long for Jira


def test_what_fits_needs_no_attachment() -> None:
    assert described(article_with(10)).attachment is None


def test_a_long_table_moves_to_a_file_and_leaves_a_summary_and_a_pointer() -> None:
    ticket = article_with(60, **{"Help text": "Some help for people who write. " * 3})
    found = described(ticket)
    assert found.attachment is not None
    assert found.attachment.filename == "content_type-article-build.md"
    left = [shown(block) for block in under(ticket, "Configuration")]
    assert left[0] == "The tables are in the attached file content_type-article-build.md."
    assert "Fields, from Fields.csv: 60 rows with " in left[1]
    assert "field_field_number_59" in found.attachment.content
    assert len(under(ticket, "Row by row")[0]["content"]) == 61
    assert problems(found, "Create it") == []


def test_criteria_of_rows_follow_when_they_are_too_many() -> None:
    found = described(article_with(400))
    assert found.attachment is not None
    assert found.attachment.content.count("\n- Field ") == 400
    assert problems(found, "Create it") == []


def test_lists_of_other_tickets_follow_last() -> None:
    ticket = article_with(400)
    names = tuple(
        f"Something with quite a long name, number {number} (content type)" for number in range(400)
    )
    found = described(ticket.model_copy(update={"depends_on_names": names}))
    assert found.attachment is not None
    assert all(name in found.attachment.content for name in names)
    assert problems(found, "Create it") == []


def test_characters_that_count_double_count_double() -> None:
    node = {"type": "paragraph", "content": [{"type": "text", "text": "\U0001f600a"}, {"type": "hardBreak"}]}
    assert text_length(node) == 4
    assert json_length(node) == len(json.dumps(node, separators=(",", ":"), ensure_ascii=False)) + 1


def test_notes_that_are_too_long_are_kept_and_refused_by_validation() -> None:
    found = described(article(), notes="word " * 7000)
    assert any("shorten the notes" in problem for problem in problems(found, "Create it"))
    assert text_length(found.adf) > 34_000


def test_two_tickets_never_share_a_file_name() -> None:
    long = [the_ticket(tab("Bundles", bundle("x" * 200 + end, **{"Machine name": ""}))) for end in "ab"]
    names = {filename(ticket) for ticket in long}
    assert len(names) == 2
    assert all(len(name) < 100 for name in names)


# Always


@pytest.mark.parametrize("spec", [uwec, lakeside])
def test_jira_takes_every_ticket_of_the_real_specs(spec: Callable[[], Spec]) -> None:
    for ticket in plan_tickets(spec(), SessionSettings()).tickets:
        assert problems(described(ticket), write(ticket).title) == []


@given(files=wild_specs())
@settings(max_examples=60, deadline=None)
def test_jira_takes_every_ticket_of_any_spec(files: list[SourceFile]) -> None:
    for ticket in plan_tickets(load(*files, settings=WITH_REMOVALS), WITH_REMOVALS).tickets:
        assert problems(described(ticket), write(ticket).title) == []


def test_the_same_ticket_always_has_the_same_description() -> None:
    files = tab("Bundles", bundle("Article")), tab("Fields", field("Article (Content type)", "Body"))
    assert described(the_ticket(*files)) == described(the_ticket(*files))
