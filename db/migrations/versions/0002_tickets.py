"""tickets with versions, dependencies and attachments"""

from collections.abc import Sequence

from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

STATEMENTS = (
    """
    CREATE TABLE tickets (
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        session_id UUID NOT NULL,
        key TEXT NOT NULL,
        kind TEXT NOT NULL,
        action TEXT DEFAULT 'build' NOT NULL,
        entity_group VARCHAR(40) NOT NULL,
        position INTEGER NOT NULL,
        user_order INTEGER NOT NULL,
        title TEXT NOT NULL,
        story TEXT DEFAULT '' NOT NULL,
        criteria JSONB DEFAULT '[]'::jsonb NOT NULL,
        user_notes TEXT DEFAULT '' NOT NULL,
        description JSONB NOT NULL,
        plan JSONB NOT NULL,
        csv_source_files JSONB NOT NULL,
        source_hash TEXT NOT NULL,
        written_by VARCHAR(40) NOT NULL,
        prompt_version TEXT,
        content_hash TEXT NOT NULL,
        validated_hash TEXT,
        ready_for_jira BOOLEAN DEFAULT true NOT NULL,
        sprint TEXT,
        assignee TEXT,
        issue_type TEXT,
        labels JSONB DEFAULT '[]'::jsonb NOT NULL,
        components JSONB DEFAULT '[]'::jsonb NOT NULL,
        priority TEXT,
        locked BOOLEAN DEFAULT false NOT NULL,
        revision INTEGER DEFAULT 1 NOT NULL,
        jira_ticket_key TEXT,
        jira_ticket_url TEXT,
        jira_issue_id TEXT,
        manual_fixes JSONB DEFAULT '[]'::jsonb NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        CONSTRAINT pk_tickets PRIMARY KEY (id),
        CONSTRAINT uq_tickets_session_id_key UNIQUE (session_id, key),
        CONSTRAINT ck_tickets_title_length CHECK (char_length(title) BETWEEN 1 AND 255),
        CONSTRAINT ck_tickets_revision CHECK (revision > 0),
        CONSTRAINT ck_tickets_key_with_url CHECK ((jira_ticket_key IS NULL) = (jira_ticket_url IS NULL)),
        CONSTRAINT fk_tickets_session_id FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE,
        CONSTRAINT ck_tickets_entitygroup CHECK (entity_group IN ('Content', 'Media', 'Views', 'Migration',
            'Workflow', 'User Roles', 'Custom')),
        CONSTRAINT ck_tickets_writtenby CHECK (written_by IN ('model', 'model_after_repair', 'offline',
            'offline_after_refusal', 'person'))
    )
    """,
    """
    CREATE UNIQUE INDEX uq_tickets_issue
        ON tickets (session_id, jira_ticket_key) WHERE jira_ticket_key IS NOT NULL
    """,
    """
    CREATE TABLE ticket_versions (
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        ticket_id UUID NOT NULL,
        revision INTEGER NOT NULL,
        title TEXT NOT NULL,
        story TEXT NOT NULL,
        criteria JSONB NOT NULL,
        user_notes TEXT NOT NULL,
        description JSONB NOT NULL,
        attachment_filename TEXT,
        attachment_content TEXT,
        content_hash TEXT NOT NULL,
        written_by VARCHAR(40) NOT NULL,
        prompt_version TEXT,
        replaced_by TEXT NOT NULL,
        replaced_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        CONSTRAINT pk_ticket_versions PRIMARY KEY (id),
        CONSTRAINT uq_ticket_versions_ticket_id_revision UNIQUE (ticket_id, revision),
        CONSTRAINT fk_ticket_versions_ticket_id FOREIGN KEY(ticket_id) REFERENCES tickets (id) ON DELETE CASCADE,
        CONSTRAINT ck_ticket_versions_writtenby CHECK (written_by IN ('model', 'model_after_repair', 'offline',
            'offline_after_refusal', 'person'))
    )
    """,
    """
    CREATE TABLE ticket_dependencies (
        ticket_id UUID NOT NULL,
        depends_on_ticket_id UUID NOT NULL,
        linked_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_ticket_dependencies PRIMARY KEY (ticket_id, depends_on_ticket_id),
        CONSTRAINT ck_ticket_dependencies_not_itself CHECK (ticket_id <> depends_on_ticket_id),
        CONSTRAINT fk_ticket_dependencies_ticket_id
            FOREIGN KEY(ticket_id) REFERENCES tickets (id) ON DELETE CASCADE,
        CONSTRAINT fk_ticket_dependencies_depends_on_ticket_id
            FOREIGN KEY(depends_on_ticket_id) REFERENCES tickets (id) ON DELETE CASCADE
    )
    """,
    """
    CREATE INDEX ix_ticket_dependencies_depends_on_ticket_id
        ON ticket_dependencies (depends_on_ticket_id)
    """,
    """
    CREATE TABLE attachments (
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        session_id UUID NOT NULL,
        ticket_id UUID NOT NULL,
        filename TEXT NOT NULL,
        content TEXT NOT NULL,
        file_size_bytes INTEGER NOT NULL,
        jira_attachment_id TEXT,
        jira_upload_status VARCHAR(40) DEFAULT 'pending' NOT NULL,
        upload_started_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_attachments PRIMARY KEY (id),
        CONSTRAINT uq_attachments_ticket_id UNIQUE (ticket_id),
        CONSTRAINT ck_attachments_size_limit CHECK (file_size_bytes BETWEEN 0 AND 1048576),
        CONSTRAINT ck_attachments_size_of_content CHECK (octet_length(content) = file_size_bytes),
        CONSTRAINT fk_attachments_session_id FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE,
        CONSTRAINT fk_attachments_ticket_id FOREIGN KEY(ticket_id) REFERENCES tickets (id) ON DELETE CASCADE,
        CONSTRAINT ck_attachments_jirauploadstatus CHECK (jira_upload_status IN ('pending', 'uploaded',
            'failed'))
    )
    """,
    """
    CREATE INDEX ix_attachments_session_id ON attachments (session_id)
    """,
)
TABLES = ("attachments", "ticket_dependencies", "ticket_versions", "tickets")


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
