"""What the Prefect UI shows of a session: tables and pages, every text of a person escaped."""

import base64
import re
from collections.abc import Awaitable, Sequence
from typing import Any
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import acreate_image_artifact, acreate_markdown_artifact, acreate_table_artifact

from tasks.core.markdown import escape
from tasks.core.outcomes import StageRun


def session_key(what: str, site_name: str, session_id: UUID) -> str:
    """The key people see in the list of artifacts: what it is, of which site, of which session."""
    site = re.sub(r"[^a-z0-9]+", "-", site_name.lower()).strip("-")[:40] or "site"
    return f"{what}-{site}-{str(session_id)[:8]}"


def artifact_key(run: StageRun, what: str) -> str:
    """The key of something that a stage shows."""
    return session_key(what, run.site_name, run.session_id)


async def publish_table(run: StageRun, what: str, rows: Sequence[dict[str, Any]], description: str) -> None:
    """Show rows as a table artifact; a later one of the same key is its next version."""
    key = artifact_key(run, what)
    table = [{name: escape(value) for name, value in row.items()} for row in rows]
    await show(key, acreate_table_artifact(table=table, key=key, description=escape(description)))


async def publish_picture(run: StageRun, what: str, svg: str, description: str) -> None:
    """Show a drawing."""
    key = artifact_key(run, what)
    picture = f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
    await show(key, acreate_image_artifact(image_url=picture, key=key, description=escape(description)))


async def publish_page(run: StageRun, what: str, markdown: str, description: str) -> None:
    """Show a Markdown page; the caller escapes what people wrote."""
    key = artifact_key(run, what)
    await show(key, acreate_markdown_artifact(markdown=markdown, key=key, description=escape(description)))


async def show(key: str, creating: Awaitable[object]) -> None:
    """Create an artifact. One that cannot be shown fails no work; the run's log says so."""
    try:
        await creating
    except Exception as error:
        get_run_logger().warning("%s could not be shown: %s", key, error)
