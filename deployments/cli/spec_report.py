"""`drupal-tickets session report`: what the spec holds and what is wrong with it, on one page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.cli.options import SessionId
from deployments.cli.output import Json, note, printable, show
from deployments.cli.workplace import find_session, with_database
from tasks.core.errors import UserFixable

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from tasks.session_spec import SessionSpec


def show_report(
    session: SessionId,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it as one HTML page, to send to the client.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it as Markdown, for a wiki or a repository.")
    ] = None,
    json: Json = False,
) -> None:
    """Report on the spec: what to fix first, open questions, scope, the bundles, all findings, the last changes."""
    from rich.markdown import Markdown

    from tasks.core.spec.report_html import as_html
    from tasks.core.spec.report_markdown import as_markdown

    found = with_database(lambda engine: _read(engine, session))
    report = found.report()
    for path, render in ((html, as_html), (markdown, as_markdown)):
        if path is not None:
            _write(path, render(report))
    document = {
        "report": {
            "verdict": report.verdict,
            "fix_first": [step for section in report.sections for step in section.steps],
            "changes": found.changes.model_dump(mode="json"),
            "html": str(html) if html else None,
            "markdown": str(markdown) if markdown else None,
        }
    }
    told = report.verdict if html or markdown else as_markdown(report, draw=False)
    show(document, json, lambda target: target.print(Markdown(printable(told))))


async def _read(engine: "AsyncEngine", text: str) -> "SessionSpec":
    from tasks.session_spec import read_session_spec

    record = await find_session(engine, text)
    return await read_session_spec(engine, record.id)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserFixable(
            f"“{path}” cannot be written: {error.strerror}.",
            actions=["Name a file in a folder that you may write to."],
            code="path-unwritable",
        ) from error
    note(f"The report is in {path}")
