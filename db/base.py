"""What all tables share: names of constraints, and how Python types are stored."""

import uuid
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, cast

from sqlalchemy import DateTime, Enum, MetaData, Numeric, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncAttrs
from sqlalchemy.orm import DeclarativeBase, mapped_column

from db import enums

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

STORED_ENUMS: tuple[type[StrEnum], ...] = (
    enums.SessionStage,
    enums.SessionStatus,
    enums.TaskType,
    enums.TaskStatus,
    enums.AdfValidationStatus,
    enums.FileValidationStatus,
    enums.TypeSetBy,
    enums.JiraUploadStatus,
    enums.EventCategory,
    enums.AuditLevel,
    enums.ErrorCategory,
    enums.ErrorSeverity,
    enums.WrittenBy,
    enums.EntityGroup,
    enums.IntentStatus,
    enums.ReviewDecision,
)


def stored(enum: type[StrEnum]) -> Enum:
    """An enum as text with a check constraint: a new value is one changed check, no type to alter."""
    return Enum(
        enum,
        name=enum.__name__.lower(),
        native_enum=False,
        create_constraint=True,
        length=40,
        values_callable=lambda members: [member.value for member in members],
    )


class Base(AsyncAttrs, DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy declares it so
        str: Text(),
        datetime: DateTime(timezone=True),
        Decimal: Numeric(12, 6),
        dict[str, Any]: JSONB(none_as_null=True),
        list[str]: JSONB(none_as_null=True),
        list[list[str]]: JSONB(none_as_null=True),
        list[dict[str, Any]]: JSONB(none_as_null=True),
        **{enum: stored(enum) for enum in STORED_ENUMS},
    }
    # Server defaults come back with the INSERT or UPDATE itself: nothing is loaded lazily afterwards.
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012


EMPTY_OBJECT = text("'{}'::jsonb")
EMPTY_LIST = text("'[]'::jsonb")
FALSE = text("false")
TRUE = text("true")
ZERO = text("0")

# clock_timestamp(), not now(): the start of a transaction says nothing about when a row was written in it.
NOW = text("clock_timestamp()")

Key = Annotated[uuid.UUID, mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))]
WrittenAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=NOW)]


def table_of(model: type[Base]) -> Table:
    """The table itself, for statements over many rows that need no objects."""
    return cast("Table", model.__table__)
