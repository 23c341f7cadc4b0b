"""The spec report as Markdown: for the Prefect UI, and for wikis that draw Mermaid."""

from collections.abc import Iterator

from tasks.core.markdown import escape, table
from tasks.core.spec.report import Section, SpecReport
from tasks.core.tickets.mermaid import mermaid


def as_markdown(report: SpecReport, advice: str = "", *, draw: bool = True) -> str:
    """The whole report, every text of the spec escaped; `advice` stands below the verdict as it is."""
    head = [f"# {escape(report.title)}", escape(report.verdict), *([advice] if advice else [])]
    parts = [part for section in report.sections for part in _section(section, draw=draw)]
    return "\n\n".join([*head, *parts]) + "\n"


def _section(section: Section, *, draw: bool) -> Iterator[str]:
    yield f"## {escape(section.heading)}"
    yield from map(escape, section.text)
    if section.steps:
        yield "\n".join(f"{number}. {escape(step)}" for number, step in enumerate(section.steps, start=1))
    if section.rows:
        yield table(list(map(escape, section.header)), section.rows)
    if section.graph is not None and draw:
        yield f"```mermaid\n{mermaid(section.graph)}```"
