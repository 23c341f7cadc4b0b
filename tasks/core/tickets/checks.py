"""The rules that every text must keep, whoever wrote it. Each broken rule is a sentence, fit to ask for a repair."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from tasks.core.settings import Language
from tasks.core.tickets.facts import META
from tasks.core.tickets.model import PlannedTicket, Prose
from tasks.core.tickets.stories import STORIES, StoryForm
from tasks.core.tickets.wording import (
    FORBIDDEN,
    SNAKE_CASE,
    is_invisible,
    quoted,
    split_code,
    utf16_length,
    visible,
)

MIN_TITLE, MAX_TITLE = 5, 255
MIN_CRITERIA, MAX_CRITERIA = 2, 8
_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|etc|vs|approx|no|incl)\.", re.IGNORECASE)
_SENTENCE_BREAK = re.compile(r"[.!?…。！？][\"'”’)\]]*\s+\S")
_WORD = re.compile(r"[^\s,;:()\[\]{}<>\"'“”‘’|/]+")


def check(ticket: PlannedTicket, prose: Prose, language: Language = Language.ENGLISH) -> list[str]:
    """What is wrong with a text for this ticket; empty when it may be used."""
    broken = [*_shape(prose), *_story(prose, STORIES[language])]
    known = vocabulary(ticket)
    texts = (prose.title, prose.story, *prose.criteria)
    broken += _unknown_code(texts, known)
    broken += _unknown_snake_case(texts, known)
    broken += _missing_machine_names(ticket, prose)
    broken += _clean(prose)
    return broken


def _shape(prose: Prose) -> Iterator[str]:
    length = utf16_length(prose.title.strip())
    if not MIN_TITLE <= length <= MAX_TITLE:
        yield f"The title has {length} characters; write {MIN_TITLE} to {MAX_TITLE}."
    if "\n" in prose.title:
        yield "The title has a line break; write one line."
    written = sum(bool(criterion.strip()) for criterion in prose.criteria)
    if not MIN_CRITERIA <= written <= MAX_CRITERIA:
        yield f"There are {written} written criteria; write {MIN_CRITERIA} to {MAX_CRITERIA}."
    if written < len(prose.criteria):
        yield "A criterion is empty; leave it out."


def _story(prose: Prose, form: StoryForm) -> Iterator[str]:
    story = prose.story.strip()
    if not form.pattern.fullmatch(story):
        yield f"The story is not of the form “{form.shown}”."
    if _SENTENCE_BREAK.search(_ABBREVIATION.sub("", story)):
        yield "The story has more than one sentence; write one."


def vocabulary(ticket: PlannedTicket) -> frozenset[str]:
    """Every cell of the ticket's rows, and every word of one, as code or a machine name may quote it."""
    known: set[str] = set()
    for cell in set(_cells(ticket)):
        text = visible(cell)
        known.add(text)
        known.update(SNAKE_CASE.findall(text))
        known.update(word.strip(".!?`*") for word in _WORD.findall(text))
        known.update(text.split())
    return frozenset(known)


def _cells(ticket: PlannedTicket) -> Iterator[str]:
    for table in ticket.tables:
        yield from (value for _, value in table.constants)
        for row in table.rows:
            yield from row
    for values in ticket.rows:
        yield from (str(value) for name, value in values.items() if name not in META and value)


def _unknown_code(texts: Iterable[str], known: frozenset[str]) -> Iterator[str]:
    for text in texts:
        for is_code, piece in split_code(text):
            if is_code and visible(piece) not in known:
                yield f"`{piece}` is not in this ticket's rows; quote a cell, or a word of one, exactly."


def _unknown_snake_case(texts: Iterable[str], known: frozenset[str]) -> Iterator[str]:
    for text in texts:
        for is_code, piece in split_code(text):
            if not is_code:
                yield from (
                    f"The machine name {name} is not in this ticket's rows; name only what stands there."
                    for name in SNAKE_CASE.findall(piece)
                    if name not in known
                )


def _missing_machine_names(ticket: PlannedTicket, prose: Prose) -> Iterator[str]:
    criteria = (*prose.criteria, *ticket.structural_criteria)
    said = {piece for text in criteria for is_code, piece in split_code(text) if is_code}
    for name in dict.fromkeys(visible(str(row.get("machine_name", ""))) for row in ticket.rows):
        if name in ("", "-") or name in said or any(name in text for text in criteria):
            continue
        yield f"No criterion names {name}; name every machine name of the ticket."


def _clean(prose: Prose) -> Iterator[str]:
    parts = [("title", prose.title), ("story", prose.story), *(("criteria", text) for text in prose.criteria)]
    for place, text in parts:
        for what, pattern in FORBIDDEN:
            if pattern.search(text):
                yield f"The {place} {'hold' if place == 'criteria' else 'holds'} {what}; leave it out."
        if any(map(is_invisible, text)):
            yield f"The {place} {'hold' if place == 'criteria' else 'holds'} a character that cannot be seen."
    said = Counter(visible(text).casefold().rstrip(".") for _, text in parts)
    yield from (
        f"{quoted(text)} is said {times} times; say it once." for text, times in said.items() if times > 1
    )
