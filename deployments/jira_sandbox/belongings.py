"""What hangs on an issue in the sandbox's file: entity properties, attachments and links."""

import json
from dataclasses import dataclass
from typing import Any

from deployments.jira_sandbox.store import Issue, Store, timestamp


@dataclass(frozen=True)
class Attachment:
    """A file on an issue, without its content."""

    id: int
    issue_id: int
    filename: str
    mime: str
    author: str
    created: str
    size: int


@dataclass(frozen=True)
class Link:
    """The source `outward` the target: for Blocks, the source blocks the target."""

    id: int
    type: str
    source: int
    target: int


ATTACHMENTS = "SELECT id, issue_id, filename, mime, author, created, size FROM attachments WHERE "
LINKS = "SELECT id, type, source, target FROM links WHERE "


class Belongings:
    """Reads and writes properties, attachments and links."""

    def __init__(self, store: Store) -> None:
        self.db = store.db

    def property_keys(self, issue: Issue) -> list[str]:
        """Keys of the issue's entity properties."""
        rows = self.db.execute("SELECT key FROM properties WHERE issue_id = ? ORDER BY key", (issue.id,))
        return [row[0] for row in rows]

    def properties(self, issue: Issue) -> dict[str, Any]:
        """All entity properties of the issue."""
        rows = self.db.execute(
            "SELECT key, value FROM properties WHERE issue_id = ? ORDER BY key", (issue.id,)
        )
        return {row[0]: json.loads(row[1]) for row in rows}

    def set_property(self, issue: Issue, key: str, value: Any) -> bool:
        """Write a property; says whether it is new."""
        new = key not in self.property_keys(issue)
        self.db.execute(
            "INSERT INTO properties VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            (issue.id, key, json.dumps(value)),
        )
        return new

    def delete_property(self, issue: Issue, key: str) -> bool:
        """Remove a property; says whether it was there."""
        return (
            self.db.execute("DELETE FROM properties WHERE issue_id = ? AND key = ?", (issue.id, key)).rowcount
            > 0
        )

    def add_attachment(
        self, issue: Issue, filename: str, mime: str, author: str, content: bytes
    ) -> Attachment:
        """Keep a file; the same name again is a second attachment, as in Jira."""
        added = self.db.execute(
            "INSERT INTO attachments (issue_id, filename, mime, author, created, size, content)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (issue.id, filename, mime, author, timestamp(), len(content), content),
        )
        return Attachment(*self.db.execute(ATTACHMENTS + "id = ?", (added.lastrowid,)).fetchone())

    def attachments(self, issue: Issue) -> list[Attachment]:
        """The issue's files, oldest first."""
        rows = self.db.execute(ATTACHMENTS + "issue_id = ? ORDER BY id", (issue.id,))
        return [Attachment(*row) for row in rows]

    def attachment(self, ident: int) -> Attachment | None:
        """One file's particulars."""
        row = self.db.execute(ATTACHMENTS + "id = ?", (ident,)).fetchone()
        return Attachment(*row) if row else None

    def content(self, attachment: Attachment) -> bytes:
        """The file itself."""
        row = self.db.execute("SELECT content FROM attachments WHERE id = ?", (attachment.id,)).fetchone()
        return bytes(row[0])

    def delete_attachment(self, attachment: Attachment) -> None:
        """Remove a file."""
        self.db.execute("DELETE FROM attachments WHERE id = ?", (attachment.id,))

    def add_link(self, kind: str, source: Issue, target: Issue) -> None:
        """Link two issues; linking them again changes nothing."""
        self.db.execute(
            "INSERT INTO links (type, source, target) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (kind, source.id, target.id),
        )

    def has_link(self, kind: str, source: Issue, target: Issue) -> bool:
        """Whether exactly this link exists."""
        return any(link.type == kind and link.target == target.id for link in self.links(source))

    def links(self, issue: Issue) -> list[Link]:
        """Links from and to the issue, oldest first."""
        rows = self.db.execute(LINKS + "source = ? OR target = ? ORDER BY id", (issue.id, issue.id))
        return [Link(*row) for row in rows]

    def link(self, ident: int) -> Link | None:
        """One link."""
        row = self.db.execute(LINKS + "id = ?", (ident,)).fetchone()
        return Link(*row) if row else None

    def delete_link(self, link: Link) -> None:
        """Remove a link."""
        self.db.execute("DELETE FROM links WHERE id = ?", (link.id,))
