"""What is wrong with single cells: formula errors, machine names, open questions; and rows that share one key."""

import re
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from db.enums import ErrorSeverity
from tasks.core.findings import Finding
from tasks.core.spec.column import Column, alike
from tasks.core.spec.model import BOOKKEEPING, FORMULA_ERRORS, NO_FACT, NO_VALUE, Table
from tasks.core.spec.names import header_key
from tasks.core.spec.reporting import VALUES, each, together
from tasks.core.spec.tab_type import TabType
from tasks.core.spec.tabs import BESIDE, Tab

_PROSE = ("notes", "description", "help_text", "comments")


@dataclass(frozen=True, slots=True)
class _Question:
    """What people write when something is not settled, and the words, rare in notes, that it cannot do without."""

    code: str
    words: tuple[str, ...]
    pattern: re.Pattern[str]
    message: str
    action: str
    severity: ErrorSeverity

    def is_in(self, note: str) -> bool:
        """Whether a note asks this."""
        lowered = note.lower()
        return any(word in lowered for word in self.words) and self.pattern.search(lowered) is not None


_QUESTIONS = (
    _Question(
        "open-question",
        ("more info",),
        re.compile(r"need(s|ed|ing)? (some |much |a lot )?more info|more information (is )?needed"),
        "A note says that more information is needed.",
        "Answer the question in the sheet before a developer has to ask it.",
        ErrorSeverity.WARNING,
    ),
    _Question(
        "unconfirmed",
        ("tbc", "tbd", "to be de", "confirm"),
        re.compile(r"\btb[cd]\b|to be (determined|confirmed|decided)|needs? (to )?(be )?confirm"),
        "A note says that something is not confirmed yet.",
        "Confirm it in the sheet, if it is known by now.",
        ErrorSeverity.INFO,
    ),
)


def formula_errors(tab: Tab) -> Iterable[Finding]:
    """Cells that hold an error of the spreadsheet; the ticket leaves them out."""
    for table in tab.tables:
        for name, cells in zip(table.header, table.data, strict=True):
            if header_key(name) not in BOOKKEEPING and not FORMULA_ERRORS.isdisjoint(cells.texts):
                yield from _formula_findings(table, name, cells)


def _formula_findings(table: Table, name: str, cells: Column) -> Iterable[Finding]:
    places = cells.where(FORMULA_ERRORS)
    for error in dict.fromkeys(cells[at] for at in places):
        found = each(
            Tab([table]),
            [at for at in places if cells[at] == error],
            "formula-error",
            f"“{name}” holds the formula error {error}; tickets leave it out.",
            actions=["Correct what the formula looks up, or type the value."],
        )
        yield from (one.model_copy(update={"column": name, "value": error}) for one in found)


def machine_names(tab: Tab) -> Iterable[Finding]:
    """Machine names that Drupal refuses."""
    cells = tab.column("machine_name")
    rows: dict[str, list[int]] = {}
    for at in cells.where(_refused(cells.texts, tab.type) - NO_VALUE):
        rows.setdefault(_reason(cells[at], tab.type.machine_name_length), []).append(at)
    for reason, found in rows.items():
        yield from each(
            tab,
            found,
            "machine-name-refused",
            f"Drupal refuses a machine name {reason}: {VALUES}.",
            column="machine_name",
            actions=[f"Use lower-case letters, digits and underscores only{_at_most(tab)}."],
        )


def _refused(names: Collection[str], tab: TabType) -> set[str]:
    """Those of many names that have a character which is not allowed, or too many; all are searched at once."""
    everything = BESIDE.join(["", *names, ""])
    bad = re.compile(f"[^{tab.machine_name}{BESIDE}]")
    refused = {
        everything[everything.rindex(BESIDE, 0, found.start()) + 1 : everything.index(BESIDE, found.start())]
        for found in bad.finditer(everything)
    }
    return refused | {name for name in names if len(name) > (tab.machine_name_length or sys.maxsize)}


def _reason(name: str, most: int | None) -> str:
    if most and len(name) > most:
        return f"with more than {most} characters"
    return "with a hyphen" if re.fullmatch(r"[a-z0-9_-]+", name) else "with other characters"


def _at_most(tab: Tab) -> str:
    most = tab.type.machine_name_length
    return f", {most} characters at most" if most else ""


def open_questions(tab: Tab) -> Iterable[Finding]:
    """Notes that say that something is still to be found out."""
    for column in filter(tab.has, _PROSE):
        cells = tab.column(column)
        for question in _QUESTIONS:
            yield from each(
                tab,
                cells.where(set(filter(question.is_in, cells.texts))),
                question.code,
                question.message,
                column=column,
                actions=[question.action],
                severity=question.severity,
            )


def duplicate_keys(tab: Tab) -> Iterable[Finding]:
    """Rows that share one key; both are kept, told apart by record number."""
    if not tab.type.key:
        return
    parts = [_key_column(tab, name) for name in tab.type.key]
    for rows in alike(parts):
        if parts[-1][rows[0]]:
            yield together(
                tab,
                rows,
                "duplicate-key",
                f"These rows describe the same {tab.type.subject}; all are kept.",
                column=tab.type.key[-1],
                actions=["Delete all but one, or give them machine names of their own."],
            )


def _key_column(tab: Tab, name: str) -> Column:
    """A part of the key, compared without case; the label stands in where a machine name is missing."""
    cells = tab.column(name)
    if name == "machine_name":
        cells = cells.instead(("", "-"), tab.column(tab.type.label))
    if name == "bundle":  # its kind may stand in a column of its own
        cells = tab.named_by(tab.type.references[0])
    if name == "view":  # a display is told apart by the id of its view, where there is one
        cells = tab.column("view_id").instead(NO_FACT, cells)
    return cells.map(str.casefold)
