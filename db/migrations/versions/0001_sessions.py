"""sessions with their runs, validation, reviews and files"""

from collections.abc import Sequence

from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

STATEMENTS = (
    """
    CREATE TABLE sessions (
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        jira_user_id TEXT,
        jira_display_name TEXT,
        jira_site TEXT,
        jira_block TEXT DEFAULT 'jira' NOT NULL,
        jira_project_key TEXT NOT NULL,
        site_name TEXT NOT NULL,
        site_description TEXT DEFAULT '' NOT NULL,
        llm_provider_choice TEXT DEFAULT 'offline' NOT NULL,
        llm_model TEXT,
        current_stage VARCHAR(40) DEFAULT 'site_info_collection' NOT NULL,
        status VARCHAR(40) DEFAULT 'active' NOT NULL,
        total_tickets_generated INTEGER DEFAULT 0 NOT NULL,
        settings JSONB DEFAULT '{}'::jsonb NOT NULL,
        spec_hash TEXT,
        findings JSONB DEFAULT '[]'::jsonb NOT NULL,
        scope_counts JSONB DEFAULT '{}'::jsonb NOT NULL,
        held JSONB DEFAULT '[]'::jsonb NOT NULL,
        given_way JSONB DEFAULT '[]'::jsonb NOT NULL,
        requested_by TEXT,
        cancel_requested_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        completed_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_sessions PRIMARY KEY (id),
        CONSTRAINT ck_sessions_sessionstage CHECK (current_stage IN ('site_info_collection', 'upload',
            'processing', 'review', 'jira_export', 'completed')),
        CONSTRAINT ck_sessions_sessionstatus CHECK (status IN ('active', 'exporting', 'failed', 'completed'))
    )
    """,
    """
    CREATE INDEX ix_sessions_spec ON sessions (jira_project_key, spec_hash)
    """,
    """
    CREATE TABLE session_tasks (
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        session_id UUID NOT NULL,
        task_type VARCHAR(40) NOT NULL,
        task_id TEXT,
        status VARCHAR(40) DEFAULT 'running' NOT NULL,
        attempt INTEGER DEFAULT 0 NOT NULL,
        retry_count INTEGER DEFAULT 0 NOT NULL,
        failure_context JSONB,
        queued_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        started_at TIMESTAMP WITH TIME ZONE,
        completed_at TIMESTAMP WITH TIME ZONE,
        failed_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_session_tasks PRIMARY KEY (id),
        CONSTRAINT uq_session_tasks_session_id_task_type_task_id UNIQUE (session_id, task_type, task_id),
        CONSTRAINT ck_session_tasks_retry_count CHECK (retry_count BETWEEN 0 AND 3),
        CONSTRAINT ck_session_tasks_attempt CHECK (attempt >= 0),
        CONSTRAINT ck_session_tasks_claimed_has_attempt CHECK (task_id IS NULL OR attempt > 0),
        CONSTRAINT fk_session_tasks_session_id
            FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE,
        CONSTRAINT ck_session_tasks_tasktype CHECK (task_type IN ('processing', 'export', 'adf_validation')),
        CONSTRAINT ck_session_tasks_taskstatus CHECK (status IN ('running', 'completed', 'failed', 'cancelled'))
    )
    """,
    """
    CREATE UNIQUE INDEX uq_session_tasks_one_running
        ON session_tasks (session_id) WHERE status = 'running'
    """,
    """
    CREATE TABLE session_validations (
        session_id UUID NOT NULL,
        validation_status VARCHAR(40) DEFAULT 'pending' NOT NULL,
        validation_passed BOOLEAN DEFAULT false NOT NULL,
        last_validated_at TIMESTAMP WITH TIME ZONE,
        last_invalidated_at TIMESTAMP WITH TIME ZONE,
        validation_results JSONB DEFAULT '{}'::jsonb NOT NULL,
        revision INTEGER DEFAULT 0 NOT NULL,
        CONSTRAINT pk_session_validations PRIMARY KEY (session_id),
        CONSTRAINT ck_session_validations_passed_only_when_completed
            CHECK (NOT validation_passed OR validation_status = 'completed'),
        CONSTRAINT fk_session_validations_session_id
            FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE,
        CONSTRAINT ck_session_validations_adfvalidationstatus CHECK (validation_status IN ('pending',
            'processing', 'completed', 'failed'))
    )
    """,
    """
    CREATE TABLE review_rounds (
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        session_id UUID NOT NULL,
        round INTEGER NOT NULL,
        task_id TEXT,
        revision INTEGER NOT NULL,
        opened_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        decision VARCHAR(40),
        decided_by TEXT,
        decided_at TIMESTAMP WITH TIME ZONE,
        note TEXT DEFAULT '' NOT NULL,
        closed_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_review_rounds PRIMARY KEY (id),
        CONSTRAINT uq_review_rounds_session_id_round UNIQUE (session_id, round),
        CONSTRAINT ck_review_rounds_decided_at_with_decision CHECK ((decision IS NULL) = (decided_at IS NULL)),
        CONSTRAINT fk_review_rounds_session_id
            FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE,
        CONSTRAINT ck_review_rounds_reviewdecision CHECK (decision IN ('approve', 'change', 'regenerate',
            'roll_back', 'cancel'))
    )
    """,
    """
    CREATE UNIQUE INDEX uq_review_rounds_one_open ON review_rounds (session_id) WHERE closed_at IS NULL
    """,
    """
    CREATE TABLE uploaded_files (
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        session_id UUID NOT NULL,
        filename TEXT NOT NULL,
        content BYTEA NOT NULL,
        content_hash TEXT NOT NULL,
        file_size_bytes INTEGER NOT NULL,
        csv_type TEXT,
        type_set_by VARCHAR(40),
        parsed_content JSONB,
        validation_status VARCHAR(40) DEFAULT 'pending' NOT NULL,
        row_count INTEGER DEFAULT 0 NOT NULL,
        uploaded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        processed_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_uploaded_files PRIMARY KEY (id),
        CONSTRAINT uq_uploaded_files_session_id_filename UNIQUE (session_id, filename),
        CONSTRAINT ck_uploaded_files_size_of_content CHECK (octet_length(content) = file_size_bytes),
        CONSTRAINT ck_uploaded_files_row_count CHECK (row_count >= 0),
        CONSTRAINT fk_uploaded_files_session_id
            FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE,
        CONSTRAINT ck_uploaded_files_typesetby CHECK (type_set_by IN ('detection', 'person')),
        CONSTRAINT ck_uploaded_files_filevalidationstatus CHECK (validation_status IN ('pending', 'valid',
            'invalid'))
    )
    """,
)
TABLES = ("uploaded_files", "review_rounds", "session_validations", "session_tasks", "sessions")


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
