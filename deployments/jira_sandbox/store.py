"""The sandbox's file: projects, issues and what the search index knows. Committed before the answer is sent."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deployments.jira_sandbox.catalogue import SPRINT_FIELD

SCHEMA = """
CREATE TABLE IF NOT EXISTS projects (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, last_number INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS issues (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, project_id INTEGER NOT NULL REFERENCES projects,
    creator TEXT NOT NULL, created TEXT NOT NULL, updated TEXT NOT NULL, fields TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS issues_of_project ON issues (project_id);
CREATE TABLE IF NOT EXISTS index_versions (
    version INTEGER PRIMARY KEY AUTOINCREMENT, issue_id INTEGER NOT NULL, written REAL NOT NULL, document TEXT);
CREATE TABLE IF NOT EXISTS properties (
    issue_id INTEGER NOT NULL REFERENCES issues ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (issue_id, key));
CREATE TABLE IF NOT EXISTS attachments (
    id INTEGER PRIMARY KEY AUTOINCREMENT, issue_id INTEGER NOT NULL REFERENCES issues ON DELETE CASCADE,
    filename TEXT NOT NULL, mime TEXT NOT NULL, author TEXT NOT NULL, created TEXT NOT NULL, size INTEGER NOT NULL,
    content BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS attachments_of_issue ON attachments (issue_id);
CREATE TABLE IF NOT EXISTS links (
    id INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL,
    source INTEGER NOT NULL REFERENCES issues ON DELETE CASCADE,
    target INTEGER NOT NULL REFERENCES issues ON DELETE CASCADE, UNIQUE (type, source, target));
CREATE INDEX IF NOT EXISTS links_to ON links (target);
INSERT INTO sqlite_sequence (name, seq) SELECT names.name, 9999 FROM
    (SELECT 'issues' AS name UNION SELECT 'attachments' UNION SELECT 'links') AS names
    WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE sqlite_sequence.name = names.name);
"""
INDEXED = ("summary", "labels", "issuetype", "priority", "assignee", "reporter", "components", "parent")


@dataclass(frozen=True)
class Project:
    """A project; its number is Jira's numeric id."""

    id: int
    key: str
    name: str


@dataclass(frozen=True)
class Issue:
    """An issue as stored: ids instead of names, the description exactly as it came."""

    id: int
    key: str
    project_id: int
    creator: str
    created: str
    updated: str
    fields: dict[str, Any]


class Store:
    """One SQLite file in WAL mode, used from one thread only: every call is one transaction."""

    def __init__(self, path: str) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.row_factory = sqlite3.Row
        self.db.execute("PRAGMA journal_mode = WAL")
        # NORMAL survives the death of the process, which is what the sandbox promises (not of the machine).
        self.db.execute("PRAGMA synchronous = NORMAL")
        self.db.execute("PRAGMA foreign_keys = ON")
        self.db.executescript(SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; committed when it ends."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """All or nothing within a transaction: one element of a bulk call."""
        self.db.execute("SAVEPOINT element")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK TO element")
            raise
        finally:
            self.db.execute("RELEASE element")

    def add_project(self, key: str, name: str) -> None:
        """Make a project unless it exists."""
        self.db.execute(
            "INSERT INTO projects (id, key, name) SELECT coalesce(max(id), 9999) + 1, ?, ? FROM projects"
            " WHERE true ON CONFLICT (key) DO NOTHING",
            (key, name),
        )

    def projects(self) -> list[Project]:
        """All projects by key."""
        rows = self.db.execute("SELECT id, key, name FROM projects ORDER BY key")
        return [Project(*row) for row in rows]

    def project(self, key_or_id: str) -> Project | None:
        """One project."""
        row = self.db.execute(
            "SELECT id, key, name FROM projects WHERE key = ? OR CAST(id AS TEXT) = ?", (key_or_id, key_or_id)
        ).fetchone()
        return Project(*row) if row else None

    def add_issue(self, project: Project, creator: str, fields: dict[str, Any]) -> Issue:
        """Store a new issue under the project's next number; numbers are never used twice."""
        number = self.db.execute(
            "UPDATE projects SET last_number = last_number + 1 WHERE id = ? RETURNING last_number",
            (project.id,),
        ).fetchone()[0]
        now = timestamp()
        row = self.db.execute(
            "INSERT INTO issues (key, project_id, creator, created, updated, fields) VALUES (?,?,?,?,?,?) RETURNING *",
            (f"{project.key}-{number}", project.id, creator, now, now, json.dumps(fields)),
        ).fetchone()
        return self._indexed(read_issue(row))

    def change_issue(self, issue: Issue, fields: dict[str, Any]) -> Issue:
        """Replace the issue's fields."""
        row = self.db.execute(
            "UPDATE issues SET fields = ?, updated = ? WHERE id = ? RETURNING *",
            (json.dumps(fields), timestamp(), issue.id),
        ).fetchone()
        return self._indexed(read_issue(row))

    def delete_issue(self, issue: Issue) -> None:
        """Remove the issue and all that belongs to it."""
        self.db.execute("DELETE FROM issues WHERE id = ?", (issue.id,))
        self._write_index(issue.id, None)

    def issue(self, key_or_id: str) -> Issue | None:
        """One issue by its key or its number; keys match in any case."""
        if key_or_id.isascii() and key_or_id.isdigit():
            # Compared as text: the number may be larger than SQLite's.
            row = self.db.execute(
                "SELECT * FROM issues WHERE id = CAST(? AS INTEGER)", (key_or_id,)
            ).fetchone()
        else:
            row = self.db.execute("SELECT * FROM issues WHERE key = ?", (key_or_id.upper(),)).fetchone()
        return read_issue(row) if row else None

    def issues(self, project_id: int) -> list[Issue]:
        """All issues of a project in the order of their making."""
        return [
            read_issue(row)
            for row in self.db.execute("SELECT * FROM issues WHERE project_id = ? ORDER BY id", (project_id,))
        ]

    def children(self, issue: Issue) -> list[Issue]:
        """Issues whose parent this is."""
        rows = self.db.execute("SELECT * FROM issues WHERE fields ->> 'parent' = ? ORDER BY id", (issue.id,))
        return [read_issue(row) for row in rows]

    def index_versions(self) -> list[tuple[int, int, float, dict[str, Any] | None]]:
        """What search could know: (version, issue id, time of the write, document), oldest first."""
        rows = self.db.execute(
            "SELECT version, issue_id, written, document FROM index_versions ORDER BY version"
        )
        return [(r[0], r[1], r[2], json.loads(r[3]) if r[3] else None) for r in rows]

    def clear(self) -> None:
        """Forget all issues and start numbering again."""
        with self.transaction():
            self.db.execute("DELETE FROM issues")
            self.db.execute("DELETE FROM index_versions")
            self.db.execute("UPDATE projects SET last_number = 0")

    def _indexed(self, issue: Issue) -> Issue:
        self._write_index(issue.id, searchable(issue))
        return issue

    def _write_index(self, issue_id: int, document: dict[str, Any] | None) -> None:
        self.db.execute(
            "INSERT INTO index_versions (issue_id, written, document) VALUES (?, ?, ?)",
            (issue_id, datetime.now(UTC).timestamp(), json.dumps(document) if document else None),
        )


def searchable(issue: Issue) -> dict[str, Any]:
    """The document that search matches against."""
    known = {name: issue.fields.get(name) for name in INDEXED}
    return known | {
        "id": issue.id,
        "key": issue.key,
        "sprint": issue.fields.get(SPRINT_FIELD),
        "project": issue.key.rpartition("-")[0],
        "creator": issue.creator,
        "created": issue.created,
        "updated": issue.updated,
    }


def read_issue(row: sqlite3.Row) -> Issue:
    """An issue from its row."""
    return Issue(**{**dict(row), "fields": json.loads(row["fields"])})


def timestamp() -> str:
    """Now, as Jira writes it: no colon in the offset."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
