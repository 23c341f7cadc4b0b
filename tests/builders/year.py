"""A year of use in miniature: sessions with tickets, runs and trails, made by the database itself."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

SESSIONS = 1000
TICKETS = 20  # of each session
ENTRIES = 100  # audit entries of each session
LONG_TRAIL = 5000  # of the newest session: a director who works on it for weeks

# Spread over the year; the newest is of today. Every tenth was never finished.
STATEMENTS = (
    """
    INSERT INTO sessions (id, jira_project_key, jira_site, site_name, spec_hash, current_stage, status,
                          total_tickets_generated, findings, held, created_at, updated_at)
    SELECT gen_random_uuid(), 'P' || n % 40, 'https://example.atlassian.net', 'Site ' || n, md5(n::text),
           CASE WHEN n % 10 = 0 THEN 'review' ELSE 'completed' END,
           CASE WHEN n % 10 = 0 THEN 'active' ELSE 'completed' END, :tickets,
           (SELECT jsonb_agg(jsonb_build_object('message', repeat('x', 200))) FROM generate_series(1, 30)),
           '[]', at, at + interval '1 hour'
    FROM (SELECT n, now() - (:sessions - n) * interval '365 days' / :sessions - interval '2 hours' AS at
          FROM generate_series(1, :sessions) AS n) AS times
    """,
    "INSERT INTO session_validations (session_id) SELECT id FROM sessions",
    """
    INSERT INTO uploaded_files (id, session_id, filename, content, content_hash, file_size_bytes)
    SELECT gen_random_uuid(), id, 'Bundles.csv', convert_to(repeat(md5(id::text), 300), 'UTF8'), md5(id::text), 9600
    FROM sessions
    """,
    """
    INSERT INTO tickets (id, session_id, key, kind, entity_group, position, user_order, title, description, plan,
                         csv_source_files, source_hash, written_by, content_hash, jira_ticket_key,
                         jira_ticket_url)
    SELECT gen_random_uuid(), id, 't' || n, 'bundle', 'Content', n, n, 'Create ' || n,
           jsonb_build_object('type', 'doc', 'text', repeat(md5(id::text || n), 60)), '{}', '[]', 's', 'offline', 'h',
           CASE WHEN current_stage = 'completed' THEN jira_project_key || '-' || n END,
           CASE WHEN current_stage = 'completed' THEN jira_site || '/browse/' || n END
    FROM sessions, generate_series(1, :tickets) AS n
    """,
    """
    INSERT INTO ticket_dependencies (ticket_id, depends_on_ticket_id)
    SELECT later.id, earlier.id FROM tickets AS later
    JOIN tickets AS earlier ON earlier.session_id = later.session_id AND earlier.position = later.position - 1
    """,
    """
    INSERT INTO session_tasks (id, session_id, task_type, task_id, status, attempt, queued_at, started_at)
    SELECT gen_random_uuid(), id, kind, gen_random_uuid()::text, 'completed', 1, created_at, created_at
    FROM sessions, unnest(ARRAY['processing', 'adf_validation', 'export']) AS kind
    """,
    """
    INSERT INTO send_intents (id, session_id, ticket_id, attempt, content_hash, status, task_id, task_attempt,
                              resolved_at, jira_key)
    SELECT gen_random_uuid(), tickets.session_id, tickets.id, 1, 'h', 'created', 'run', 1, now(), jira_ticket_key
    FROM tickets WHERE jira_ticket_key IS NOT NULL
    """,
    """
    INSERT INTO audit_log (id, session_id, trail_id, claimed_actor, event_type, event_category, audit_level,
                           description, entity_type, entity_id, event_data, request_id, created_at)
    SELECT gen_random_uuid(), id, id, 'Dana', 'ticket.edited', 'review', 'comprehensive', 'Changed', 'ticket',
           gen_random_uuid()::text, jsonb_build_object('before', repeat(md5(n::text), 6)), 'run',
           created_at + n * interval '30 seconds'
    FROM sessions, generate_series(1, :entries) AS n
    """,
    """
    INSERT INTO audit_log (id, session_id, trail_id, claimed_actor, event_type, event_category, audit_level, created_at)
    SELECT gen_random_uuid(), id, id, 'Dana', 'ticket.edited', 'review', 'basic', now() - n * interval '1 minute'
    FROM (SELECT id FROM sessions ORDER BY created_at DESC LIMIT 1) AS newest, generate_series(1, :long) AS n
    """,
)


async def fill_a_year(engine: AsyncEngine) -> None:
    """Fill an empty, migrated database."""
    amounts = {"sessions": SESSIONS, "tickets": TICKETS, "entries": ENTRIES, "long": LONG_TRAIL}
    async with engine.begin() as connection:
        for statement in STATEMENTS:
            used = {name: amount for name, amount in amounts.items() if f":{name}" in statement}
            await connection.execute(text(statement), used)
    async with engine.connect() as connection:
        plain = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await plain.execute(text("ANALYZE"))
