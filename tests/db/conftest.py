"""A new session for the tests that need no more."""

import uuid

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.builders.database import make_session


@pytest.fixture
async def session_id(engine: AsyncEngine) -> uuid.UUID:
    """A session at its first stage."""
    return await make_session(engine)
