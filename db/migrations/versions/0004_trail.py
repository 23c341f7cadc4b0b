"""errors, the audit trail, and what the model said and cost"""

from collections.abc import Sequence

from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

STATEMENTS = (
    """
    CREATE TABLE session_errors (
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        session_id UUID NOT NULL,
        error_category VARCHAR(40) NOT NULL,
        severity VARCHAR(40) NOT NULL,
        operation_stage VARCHAR(40) NOT NULL,
        error_code TEXT NOT NULL,
        user_message TEXT NOT NULL,
        recovery_actions JSONB DEFAULT '[]'::jsonb NOT NULL,
        technical_details JSONB DEFAULT '{}'::jsonb NOT NULL,
        related_file_id UUID,
        related_ticket_id UUID,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        CONSTRAINT pk_session_errors PRIMARY KEY (id),
        CONSTRAINT fk_session_errors_session_id
            FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE,
        CONSTRAINT ck_session_errors_errorcategory CHECK (error_category IN ('user_fixable', 'admin_required',
            'temporary')),
        CONSTRAINT ck_session_errors_errorseverity CHECK (severity IN ('blocking', 'warning', 'info')),
        CONSTRAINT ck_session_errors_sessionstage CHECK (operation_stage IN ('site_info_collection', 'upload',
            'processing', 'review', 'jira_export', 'completed')),
        CONSTRAINT fk_session_errors_related_file_id
            FOREIGN KEY(related_file_id) REFERENCES uploaded_files (id) ON DELETE SET NULL,
        CONSTRAINT fk_session_errors_related_ticket_id
            FOREIGN KEY(related_ticket_id) REFERENCES tickets (id) ON DELETE SET NULL
    )
    """,
    """
    CREATE INDEX ix_session_errors_related_file_id ON session_errors (related_file_id)
    """,
    """
    CREATE INDEX ix_session_errors_related_ticket_id ON session_errors (related_ticket_id)
    """,
    """
    CREATE INDEX ix_session_errors_session_id_created_at ON session_errors (session_id, created_at)
    """,
    """
    CREATE TABLE audit_log (
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        session_id UUID,
        trail_id UUID,
        claimed_actor TEXT NOT NULL,
        authenticated_actor TEXT,
        jira_user_id TEXT,
        event_type TEXT NOT NULL,
        event_category VARCHAR(40) NOT NULL,
        audit_level VARCHAR(40) NOT NULL,
        description TEXT DEFAULT '' NOT NULL,
        entity_type TEXT,
        entity_id TEXT,
        event_data JSONB DEFAULT '{}'::jsonb NOT NULL,
        request_id TEXT,
        execution_time_ms INTEGER,
        ip_address TEXT,
        user_agent TEXT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        CONSTRAINT pk_audit_log PRIMARY KEY (id),
        CONSTRAINT ck_audit_log_event_data_limit CHECK (octet_length(event_data::text) <= 102400),
        CONSTRAINT fk_audit_log_session_id FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE SET NULL,
        CONSTRAINT ck_audit_log_eventcategory CHECK (event_category IN ('session', 'upload', 'processing',
            'review', 'jira_export', 'system')),
        CONSTRAINT ck_audit_log_auditlevel CHECK (audit_level IN ('basic', 'comprehensive'))
    )
    """,
    """
    CREATE INDEX ix_audit_log_created_at ON audit_log (created_at)
    """,
    """
    CREATE INDEX ix_audit_log_entity_id ON audit_log (entity_id)
    """,
    """
    CREATE INDEX ix_audit_log_session_id_created_at ON audit_log (session_id, created_at)
    """,
    """
    CREATE INDEX ix_audit_log_trail_id_created_at ON audit_log (trail_id, created_at)
    """,
    """
    CREATE TABLE model_replies (
        request_hash TEXT NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        prompt_version TEXT NOT NULL,
        reply JSONB NOT NULL,
        input_tokens INTEGER DEFAULT 0 NOT NULL,
        output_tokens INTEGER DEFAULT 0 NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        used_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        CONSTRAINT pk_model_replies PRIMARY KEY (request_hash)
    )
    """,
    """
    CREATE INDEX ix_model_replies_used_at ON model_replies (used_at)
    """,
    """
    CREATE TABLE model_reservations (
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        session_id UUID,
        task_id TEXT NOT NULL,
        task_attempt INTEGER NOT NULL,
        model TEXT NOT NULL,
        ceiling_usd NUMERIC(12, 6) NOT NULL,
        spent_usd NUMERIC(12, 6),
        reserved_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        settled_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_model_reservations PRIMARY KEY (id),
        CONSTRAINT ck_model_reservations_ceiling CHECK (ceiling_usd >= 0),
        CONSTRAINT ck_model_reservations_spent CHECK (spent_usd >= 0),
        CONSTRAINT ck_model_reservations_settled_with_amount CHECK ((spent_usd IS NULL) = (settled_at IS NULL)),
        CONSTRAINT fk_model_reservations_session_id
            FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE SET NULL
    )
    """,
    """
    CREATE INDEX ix_model_reservations_session_id ON model_reservations (session_id)
    """,
)
TABLES = ("model_reservations", "model_replies", "audit_log", "session_errors")


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
