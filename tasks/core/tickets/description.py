"""The issue's description: built from the ticket's structure, and moved to a file where it would be too long.

Nothing is ever cut. What moves first is the tables, then the criteria that code wrote, then the lists of other
tickets and of sources; the story and the written criteria always stay.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tasks.core.tickets import adf, attachment
from tasks.core.tickets.from_markdown import to_blocks
from tasks.core.tickets.model import Description, PlannedTicket, Prose, ReferenceTable, Source
from tasks.core.tickets.wording import counted, listed, utf16_length, visible

MAX_TEXT = 30_000
MAX_JSON = 32_767


@dataclass(frozen=True, slots=True)
class _Section:
    """A part of the description, what is left of it when it moves, and how it looks in the file."""

    blocks: list[adf.Node]
    moves: int = 0  # 0: never; otherwise the round in which it moves
    remains: Sequence[adf.Node] = ()
    in_file: Callable[[], str] = str


def describe(
    ticket: PlannedTicket, prose: Prose, notes: str = "", *, shorter_than: int | None = None
) -> Description:
    """The description as Jira gets it, with a Markdown file beside it when it would be too long.

    `shorter_than` is the length of a text that Jira found too long, whatever it counts.
    """
    sections = _sections(ticket, prose, notes)
    last_round = max(section.moves for section in sections)
    for moved in range(last_round + 1):
        document = _document(sections, moved)
        short = shorter_than is None or text_length(document) < shorter_than
        if (fits(document) and short) or moved == last_round:
            break
    if not moved:
        return Description(adf=document)
    parts = [section.in_file() for section in sections if 0 < section.moves <= moved and section.blocks]
    return Description(adf=document, attachment=attachment.write_attachment(ticket, parts))


def _document(sections: Sequence[_Section], moved: int) -> adf.Node:
    return adf.document(
        block
        for section in sections
        for block in (section.remains if 0 < section.moves <= moved else section.blocks)
    )


def fits(document: adf.Node) -> bool:
    """Whether Jira takes the document by either way of counting that is known."""
    return text_length(document) <= MAX_TEXT and json_length(document) <= MAX_JSON


def json_length(document: adf.Node) -> int:
    """UTF-16 units of the compact JSON."""
    return utf16_length(json.dumps(document, ensure_ascii=False, separators=(",", ":")))


def text_length(document: adf.Node) -> int:
    """UTF-16 units of the text that people read, a line break counted as one."""
    total, nodes = 0, [document]
    while nodes:
        node = nodes.pop()
        total += utf16_length(node.get("text", "")) + (node.get("type") == "hardBreak")
        nodes.extend(node.get("content", ()))
    return total


def _sections(ticket: PlannedTicket, prose: Prose, notes: str) -> list[_Section]:
    return [
        _Section([adf.paragraph(adf.prose(prose.story))]),
        _configuration(ticket),
        _Section([adf.heading(2, "Success criteria"), adf.bullets(map(adf.prose, prose.criteria))]),
        _row_by_row(ticket),
        _list(ticket, "Build after", ticket.depends_on_names),
        _list(ticket, "Refers to, without waiting for it", ticket.gave_way_names),
        _list(ticket, "Already built", ticket.already_built),
        _list(ticket, "Not built now", ticket.not_built),
        _notes(notes),
        _list(ticket, "Source", [_source(source) for source in ticket.sources], moves=4),
    ]


def _configuration(ticket: PlannedTicket) -> _Section:
    blocks = [adf.heading(2, "Configuration")]
    for reference in ticket.tables:
        blocks += _reference_table(reference)
    summary = [adf.verbatim(_summary(reference)) for reference in ticket.tables]
    remains = [adf.heading(2, "Configuration"), _pointer(ticket, "The tables are"), adf.bullets(summary)]
    return _Section(blocks, 1, remains, lambda: attachment.tables(ticket.tables))


def _reference_table(reference: ReferenceTable) -> list[adf.Node]:
    blocks = [adf.heading(3, visible(reference.title))]
    if reference.constants:
        if len(reference.rows) > 1:
            blocks.append(adf.paragraph(adf.verbatim(f"The same for all {len(reference.rows)} rows:")))
        blocks.append(
            adf.table([adf.header_cell(name), adf.cell(value)] for name, value in reference.constants)
        )
    if reference.columns:
        header = [adf.header_cell(name) for name in reference.columns]
        blocks.append(adf.table([header, *([adf.cell(value) for value in row] for row in reference.rows)]))
    return blocks


def _summary(reference: ReferenceTable) -> str:
    names = [visible(name) for name, _ in reference.constants] + [visible(name) for name in reference.columns]
    return f"{visible(reference.title)}: {counted(len(reference.rows), 'row')} with {listed(names, limit=40)}"


def _row_by_row(ticket: PlannedTicket) -> _Section:
    if not ticket.structural_criteria:
        return _Section([])
    title = "Row by row"
    remains = [adf.heading(3, title), _pointer(ticket, "One criterion for each row of the tables is")]
    return _Section(
        [adf.heading(3, title), adf.bullets(map(adf.prose, ticket.structural_criteria))],
        2,
        remains,
        lambda: attachment.bullets(title, ticket.structural_criteria),
    )


def _list(ticket: PlannedTicket, title: str, items: Sequence[str], moves: int = 3) -> _Section:
    if not items:
        return _Section([])
    remains = [adf.heading(2, title), _pointer(ticket, f"The list of {len(items)} is")]
    blocks = [adf.heading(2, title), adf.bullets(map(adf.verbatim, items))]
    return _Section(blocks, moves, remains, lambda: attachment.bullets(title, items))


def _pointer(ticket: PlannedTicket, what: str) -> adf.Node:
    return adf.paragraph(adf.verbatim(f"{what} in the attached file {attachment.filename(ticket)}."))


def _notes(notes: str) -> _Section:
    blocks = to_blocks(notes)
    return _Section([adf.heading(2, "Notes"), *blocks] if blocks else [])


def _source(source: Source) -> str:
    one = "record" if len(source.records) == 1 else "records"
    return f"{visible(source.file)}: {one} {ranges(source.records)}"


def ranges(numbers: Sequence[int]) -> str:
    """`2-4, 7`: runs of three or more are joined by a dash."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(
        f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run))  # noqa: PLR2004
        for run in runs
    )
