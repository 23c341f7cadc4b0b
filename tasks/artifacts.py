"""What the Prefect UI shows of a session: tables and pages, every text of a person escaped."""

import base64
import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

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
    await acreate_table_artifact(
        table=[{name: escape(value) for name, value in row.items()} for row in rows],
        key=artifact_key(run, what),
        description=escape(description),
    )


async def publish_picture(run: StageRun, what: str, svg: str, description: str) -> None:
    """Show a drawing."""
    picture = base64.b64encode(svg.encode()).decode()
    await acreate_image_artifact(
        image_url=f"data:image/svg+xml;base64,{picture}",
        key=artifact_key(run, what),
        description=escape(description),
    )


async def publish_page(run: StageRun, what: str, markdown: str, description: str) -> None:
    """Show a Markdown page; the caller escapes what people wrote."""
    await acreate_markdown_artifact(
        markdown=markdown, key=artifact_key(run, what), description=escape(description)
    )
