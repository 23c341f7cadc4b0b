"""What whole-session tests share: where the specs are, and a reader of what Jira and the database received."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncSession

from db.engine import create_engine, session_scope
from tests.jira_sandbox import EMAIL, TOKEN
from tests.stack import RunningStack

ROOT = Path(__file__).parents[1]
LAKESIDE = ROOT / "examples" / "lakeside"
UWEC = ROOT.parent / "shared" / "data" / "uwec"
SCHEMA = ROOT.parent / "shared" / "jira" / "adf-schema.json"


class Jira:
    """A reader of the sandbox over bare HTTP."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def issue(self, key: str) -> dict[str, Any]:
        """Description, links, labels and attachments of an issue."""
        answer = self.http.get(f"/rest/api/3/issue/{key}")
        answer.raise_for_status()
        return dict(answer.json()["fields"])

    def keys_with_label(self, label: str) -> list[str]:
        """All issues that carry a label."""
        query = {"jql": f'labels = "{label}"', "fields": ["key"], "maxResults": 5000}
        answer = self.http.post("/rest/api/3/search/jql", json=query)
        answer.raise_for_status()
        return [issue["key"] for issue in answer.json()["issues"]]

    def attachment(self, fields: dict[str, Any]) -> str | None:
        """The text of the one attachment, or None."""
        assert len(fields["attachment"]) <= 1
        if not fields["attachment"]:
            return None
        return self.http.get(fields["attachment"][0]["content"], follow_redirects=True).text


@asynccontextmanager
async def repositories(stack: RunningStack) -> AsyncIterator[AsyncSession]:
    """The application's database, as the stack's flows left it."""
    engine = create_engine(stack.connection.database_url, pooled=False)
    async with session_scope(engine) as session:
        yield session
    await engine.dispose()


@contextmanager
def jira_of(stack: RunningStack) -> Iterator[Jira]:
    """The Jira that the stack's sessions export to."""
    with httpx.Client(base_url=stack.connection.jira_url, auth=(EMAIL, TOKEN), timeout=30) as http:
        yield Jira(http)
