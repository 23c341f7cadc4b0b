"""Pauses that a Jira site asked for, known to all processes."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from db.models import JiraPause
from db.repositories.base import Repository


class PauseRepository(Repository):
    """Written by whoever was turned away, read by everybody."""

    async def pause(self, site: str, seconds: float) -> None:
        """Jira asked for a pause: no run sends anything to the site before it is over. The longest one counts."""
        until = func.clock_timestamp() + timedelta(seconds=seconds)
        statement = insert(JiraPause).values(site=site, not_before=until)
        longest = func.greatest(JiraPause.not_before, statement.excluded.not_before)
        await self.session.execute(
            statement.on_conflict_do_update(index_elements=["site"], set_={"not_before": longest})
        )

    async def paused_seconds(self, site: str) -> float:
        """How long nothing may be sent to the site."""
        left = func.extract("epoch", JiraPause.not_before - func.clock_timestamp())
        return max(0.0, float(await self.session.scalar(select(left).where(JiraPause.site == site)) or 0))
