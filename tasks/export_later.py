"""Long after an unknown outcome: is there a second issue after all?"""

import logging
from uuid import UUID

from prefect import task
from prefect.runtime import flow_run

from blocks.database import database_engine
from db.actor import Actor
from db.engine import session_scope
from db.fence import Fence
from db.repositories.delivery import DeliveryRepository
from tasks.core.errors import ProductError
from tasks.export_desk import open_desk
from tasks.export_surplus import find_surplus
from tasks.retrying import RETRYING

logger = logging.getLogger(__name__)


@task(task_run_name="look for second issues", **RETRYING)
async def search_again() -> int:
    """Search Jira once more for sessions that had an unknown outcome; returns how many second issues there are.

    A session whose Jira cannot be asked now stays due.
    """
    engine = await database_engine()
    async with session_scope(engine) as session:
        due = await DeliveryRepository(session).searches_due()
    found = 0
    for session_id in due:
        try:
            found += await _search(session_id)
        except ProductError as error:
            logger.warning("Session %s could not be searched again: %s", session_id, error)
    return found


async def _search(session_id: UUID) -> int:
    run_id = str(flow_run.id or "")
    actor = Actor(claimed="reconcile-tasks", request_id=run_id)
    async with open_desk(session_id, Fence(run_id, 0), actor) as desk:
        found = await find_surplus(desk.client, desk.ledger)
        async with session_scope(desk.ledger.engine) as session:
            await DeliveryRepository(session).searched(session_id, found, actor=actor)
    return found
