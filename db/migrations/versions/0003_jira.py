"""what is known of Jira and what was sent there"""

from collections.abc import Sequence

from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

STATEMENTS = (
    """
    CREATE TABLE jira_project_context (
        session_id UUID NOT NULL,
        project_key TEXT NOT NULL,
        project_name TEXT NOT NULL,
        can_create_tickets BOOLEAN DEFAULT false NOT NULL,
        can_assign_tickets BOOLEAN DEFAULT false NOT NULL,
        available_sprints JSONB DEFAULT '[]'::jsonb NOT NULL,
        team_members JSONB DEFAULT '[]'::jsonb NOT NULL,
        issue_types JSONB DEFAULT '[]'::jsonb NOT NULL,
        create_fields JSONB DEFAULT '{}'::jsonb NOT NULL,
        cached_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        CONSTRAINT pk_jira_project_context PRIMARY KEY (session_id),
        CONSTRAINT fk_jira_project_context_session_id
            FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE jira_auth_tokens (
        jira_user_id TEXT NOT NULL,
        site TEXT NOT NULL,
        access_token BYTEA NOT NULL,
        refresh_token BYTEA NOT NULL,
        access_token_expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        refresh_token_expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        granted_scopes JSONB DEFAULT '[]'::jsonb NOT NULL,
        last_refresh_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        CONSTRAINT pk_jira_auth_tokens PRIMARY KEY (jira_user_id, site)
    )
    """,
    """
    CREATE INDEX ix_jira_auth_tokens_refresh_token_expires_at
        ON jira_auth_tokens (refresh_token_expires_at)
    """,
    """
    CREATE TABLE jira_pauses (
        site TEXT NOT NULL,
        not_before TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_jira_pauses PRIMARY KEY (site)
    )
    """,
    """
    CREATE TABLE send_intents (
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        session_id UUID NOT NULL,
        ticket_id UUID NOT NULL,
        attempt INTEGER NOT NULL,
        content_hash TEXT NOT NULL,
        status VARCHAR(40) DEFAULT 'open' NOT NULL,
        task_id TEXT NOT NULL,
        task_attempt INTEGER NOT NULL,
        opened_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        resolved_at TIMESTAMP WITH TIME ZONE,
        jira_key TEXT,
        reason TEXT,
        search_again_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_send_intents PRIMARY KEY (id),
        CONSTRAINT uq_send_intents_ticket_id_attempt UNIQUE (ticket_id, attempt),
        CONSTRAINT ck_send_intents_open_until_resolved CHECK ((status = 'open') = (resolved_at IS NULL)),
        CONSTRAINT ck_send_intents_created_has_key CHECK (status <> 'created' OR jira_key IS NOT NULL),
        CONSTRAINT fk_send_intents_session_id FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE,
        CONSTRAINT fk_send_intents_ticket_id FOREIGN KEY(ticket_id) REFERENCES tickets (id) ON DELETE CASCADE,
        CONSTRAINT ck_send_intents_intentstatus CHECK (status IN ('open', 'created', 'refused'))
    )
    """,
    """
    CREATE INDEX ix_send_intents_session_id_status ON send_intents (session_id, status)
    """,
    """
    CREATE UNIQUE INDEX uq_send_intents_one_open ON send_intents (ticket_id) WHERE status = 'open'
    """,
    """
    CREATE TABLE export_records (
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        session_id UUID NOT NULL,
        ticket_key TEXT NOT NULL,
        row_identity TEXT NOT NULL,
        content_hash TEXT NOT NULL,
        jira_site TEXT NOT NULL,
        jira_project_key TEXT NOT NULL,
        jira_ticket_key TEXT NOT NULL,
        exported_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        CONSTRAINT pk_export_records PRIMARY KEY (id),
        CONSTRAINT uq_export_records_issue UNIQUE (jira_site, jira_project_key, row_identity, jira_ticket_key)
    )
    """,
)
TABLES = ("export_records", "send_intents", "jira_pauses", "jira_auth_tokens", "jira_project_context")


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
