"""`docs/writing.md`: for each kind of ticket the rows of a spec and what both writers made of them.

`python -m tests.writing_examples` writes the page anew; a test says when that is due.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path

from db.enums import WrittenBy
from tasks.core.settings import WritingSettings
from tasks.core.tickets import offline
from tasks.core.tickets.checks import check
from tasks.core.tickets.description import describe
from tasks.core.tickets.markdown import to_markdown
from tasks.core.tickets.model import PlannedTicket, Prose
from tasks.core.tickets.planning import plan_tickets
from tasks.core.tickets.prompt import PROMPT_VERSION, instructions, question, read_answer
from tests.builders.spec import LAKESIDE, bundle, csv_file, field, files_of, load, tab
from tests.builders.tickets import WITH_REMOVALS
from tests.model_stand_in import ROWS, honest

PAGE = Path(__file__).parents[1] / "docs" / "writing.md"

ABOUT = f"""\
# What the writers make of a spec

Code copies the facts: the tables and one criterion for every row. A writer adds the title, the story and two to eight
criteria about behaviour, and every text passes the same checks, whoever wrote it. Below is one ticket of each kind:
the rows, the whole ticket with the offline writer's text, and the title, story and criteria by a model.

**No real model could be reached when this page was made.** What stands under "by a model" comes from the stand-in that
our tests use (`tests/model_stand_in.py`): it was asked with the real prompt (version {PROMPT_VERSION}), and its text
passed the real checks, but its words are a fixture's. They show what a model gets to write, not how well it writes.

What the model is told is `tasks/core/tickets/prompt.py`; the page ends with one whole question. The page itself is made
by `python -m tests.writing_examples`, and a test fails when it is out of date.

## How writing was tried

On two cores shared with other work, 2026-11-23; the provider is the stand-in, which counts tokens and money by itself.

- **An honest model**: the real UWEC spec, 135 tickets, with writer, client, checks and Postgres as they are,
  without Prefect. All 135 are the model's, without a repair; the stand-in counted 0.0332 USD, we booked 0.0333.
- **A whole session** of the example on the real stack, its key given to the command alone: more than 95% by the
  model; the fact lock holds on what the Jira sandbox received; the same spec for another project pays nothing.
- **Speed** (`python -m benchmarks.writing`, 2026-11-24 at `09bfd34`, two processors, nothing else running): 300 tickets
  of 800 ms at 16 in flight took 15.8 s, 1.04 times the ideal (16.9 s with estimate and check), bare 1.01 times; at
  100 ms and 64 in flight 2.1 s against 0.6 s. Ten times the tickets took 8.9 times the time, 302 MB against 271.
- **30% of calls go wrong**: UWEC without Prefect, and it obeys cells, invents names, truncates, refuses, babbles,
  answers 429 with and without Retry-After, 500 and 529, hangs and drops connections; two seeds. Every ticket passes
  the checks, none is lost; 98% and 94% are the model's. Counted 0.043 and 0.040 USD, booked 0.075 and 0.072: lost
  calls count in full.
- **Twelve SIGKILLs at random** (`make test-long`, commit f07610f): 480 tickets, killed and started again twelve
  times. Each kill pays again for the 16 calls in flight at most, and nothing stays reserved. `make test` has the
  short form.
- **Replies nobody promised** (`tests/tasks/test_strange_replies.py`, 66 kinds): pages of a gateway, bombs, floods, deep
  nesting, content of numbers, impossible usage. What is no reply is never kept and reads 2 MB at most; a strange one
  ends in the offline text; a good one stands however it is sent. The run goes on, and the books hold.
"""

MORE = (
    tab("Bundles", bundle("Article", x="x"), bundle("Gallery", "Media type", x="d")),
    tab("Fields", field("Article (Content type)", "Byline", **{"Help text": "Who wrote it."})),
    tab("Menus", {"Title": "Footer", "Machine name": "footer", "X": "a", "Description": "Legal links."}),
    tab("Migrations", {"Name": "News", "Machine name": "news", "X": "a", "Source": "old_site.news",
                       "Destination": "Article (Content type)"}),
    tab("CustomViews", {"View name": "News", "Machine name": "news", "X": "c", "Base table": "Content",
                        "Notes": "Twelve per page."}),
    tab("Workflows", {"Label": "Review", "Machine name": "review", "X": "c", "Type": "Content moderation",
                      "Notes": "Editors may publish."}),
    csv_file("Settings.csv", [("Setting name", "Setting value", "X"), ("Site slogan", "By the lake", "a")]),
    csv_file("Redirects.csv", [("Label", "From", "To", "X"), ("Old home", "/index.html", "/", "a")]),
)  # fmt: skip


def examples() -> list[PlannedTicket]:
    """The smallest ticket of each kind and action that has something to say."""
    specs = (
        load(*files_of(LAKESIDE), settings=WITH_REMOVALS),
        load(*MORE, settings=WITH_REMOVALS, types={"Redirects.csv": "custom", "Settings.csv": "settings"}),
    )
    found: dict[tuple[str, str], PlannedTicket] = {}
    for spec in specs:
        for ticket in sorted(plan_tickets(spec, WITH_REMOVALS).tickets, key=_size):
            found.setdefault((ticket.kind, ticket.action), ticket)
    return [found[key] for key in sorted(found)]


def _size(ticket: PlannedTicket) -> tuple[bool, int]:
    return len(ticket.rows) < 2, len(json.dumps(ticket.rows))


def by_stand_in(ticket: PlannedTicket) -> Prose:
    """What the stand-in answers to the question about a ticket."""
    asked = ROWS.search(question(ticket))
    assert asked is not None
    prose = read_answer(json.dumps(honest(json.loads(asked[1]), random.Random(ticket.key))))
    assert prose is not None
    assert not check(ticket, prose)
    return prose.model_copy(update={"written_by": WrittenBy.MODEL})


def page() -> str:
    """The whole page."""
    tickets = examples()
    shown = next(ticket for ticket in tickets if ticket.kind == "role")
    style = WritingSettings(glossary={"program": "a course of study"})
    asked = f"{instructions('Lakeside College', 'A small college.', style)}\n\n---\n\n{question(shown)}"
    parts = [ABOUT, *(part for ticket in tickets for part in _section(ticket))]
    parts += ["## A whole question", f"````text\n{asked}\n````"]
    return "\n\n".join(parts) + "\n"


def _section(ticket: PlannedTicket) -> Iterator[str]:
    yield f"## {ticket.kind}, {ticket.action}: {ticket.name}"
    yield "### The rows"
    for row in ticket.rows:
        yield "- " + "; ".join(
            f"{name}: {_plain(str(cell))}" for name, cell in row.items() if cell not in ("", "-", None)
        )
    text = offline.write(ticket)
    yield "### The ticket, by the offline writer"
    yield f"> **{_plain(text.title)}**\n>\n" + _quoted(to_markdown(describe(ticket, text).adf))
    prose = by_stand_in(ticket)
    yield "### Title, story and criteria by a model (the stand-in)"
    yield f"> **{_plain(prose.title)}**\n>\n> {_plain(prose.story)}\n>\n" + "\n".join(
        f"> - {_plain(criterion)}" for criterion in prose.criteria
    )


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("<", "\\<")


def _quoted(markdown: str) -> str:
    lines = (("#" * 2 + line if line.startswith("#") else line) for line in markdown.strip().split("\n"))
    return "\n".join(f"> {line}".rstrip() for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page())
