"""what the model writer fixes, estimates and learns from"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

COUNTS = ("cache_read_tokens", "cache_write_tokens", "prompt_bytes")


def upgrade() -> None:
    op.add_column(
        "sessions",
        sa.Column(
            "writing",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
    )
    for name in COUNTS:
        op.add_column(
            "model_replies", sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False)
        )
    for table in ("model_replies", "model_reservations"):
        op.add_column(table, sa.Column("purpose", sa.Text(), server_default="write", nullable=False))
    op.add_column("model_replies", sa.Column("prompt_hash", sa.Text(), nullable=True))
    op.create_index("ix_model_replies_prompt_hash", "model_replies", ["prompt_hash"])
    op.create_index("ix_model_replies_model_created_at", "model_replies", ["provider", "model", "created_at"])


def downgrade() -> None:
    op.drop_index("ix_model_replies_model_created_at", "model_replies")
    op.drop_index("ix_model_replies_prompt_hash", "model_replies")
    op.drop_column("model_replies", "prompt_hash")
    for table in ("model_replies", "model_reservations"):
        op.drop_column(table, "purpose")
    for name in COUNTS:
        op.drop_column("model_replies", name)
    op.drop_column("sessions", "writing")
