"""Every table of the product; importing this makes the metadata complete."""

from db.base import Base
from db.tables.files import UploadedFile
from db.tables.jira import ExportRecord, JiraAuthToken, JiraPause, JiraProjectContext, SendIntent
from db.tables.sessions import MAX_RETRIES, ReviewRound, Session, SessionTask, SessionValidation
from db.tables.tickets import (
    MAX_ATTACHMENT_BYTES,
    MAX_TITLE,
    Attachment,
    Ticket,
    TicketDependency,
    TicketVersion,
)
from db.tables.trail import AuditLogEntry, SessionError
from db.tables.writing import ModelReply, ModelReservation

__all__ = [
    "MAX_ATTACHMENT_BYTES",
    "MAX_RETRIES",
    "MAX_TITLE",
    "Attachment",
    "AuditLogEntry",
    "Base",
    "ExportRecord",
    "JiraAuthToken",
    "JiraPause",
    "JiraProjectContext",
    "ModelReply",
    "ModelReservation",
    "ReviewRound",
    "SendIntent",
    "Session",
    "SessionError",
    "SessionTask",
    "SessionValidation",
    "Ticket",
    "TicketDependency",
    "TicketVersion",
    "UploadedFile",
]
