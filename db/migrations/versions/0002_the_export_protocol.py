"""what the export remembers between its runs"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "jira_pauses",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("site", name=op.f("pk_jira_pauses")),
    )
    op.add_column(
        "tickets",
        sa.Column(
            "manual_fixes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
    )
    op.add_column("attachments", sa.Column("upload_started_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("ticket_dependencies", sa.Column("linked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("send_intents", sa.Column("search_again_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("send_intents", "search_again_at")
    op.drop_column("ticket_dependencies", "linked_at")
    op.drop_column("attachments", "upload_started_at")
    op.drop_column("tickets", "manual_fixes")
    op.drop_table("jira_pauses")
