"""`drupal-tickets export --dry-run`: what would be sent to Jira, in order, and whether it could be."""

from typing import TYPE_CHECKING, Any

from deployments.cli.options import actor
from deployments.cli.output import print_table, show
from deployments.cli.workplace import Workplace, find_session, with_stack

if TYPE_CHECKING:
    from rich.console import Console


def dry_run(session: str, requested_by: str | None, as_json: bool) -> None:
    """Check project, permissions and create screens, and show every request; nothing is written in Jira."""
    document = with_stack(lambda place: _preview(place, session, requested_by))
    show(document, as_json, lambda target: _print(target, document))


async def _preview(place: Workplace, session: str, requested_by: str | None) -> dict[str, Any]:
    from db.fence import Fence
    from deployments.cli.jira_login import open_jira
    from tasks.core.settings import SessionSettings
    from tasks.export_desk import Desk
    from tasks.export_intents import IntentLedger
    from tasks.export_preview import preview
    from tasks.export_steps import prepare

    record = await find_session(place.engine, session)
    settings = SessionSettings.model_validate(record.settings).jira
    acting = actor(requested_by)
    async with await open_jira(place, record.jira_block, acting, session=record) as client:
        ledger = IntentLedger(
            place.engine,
            record.id,
            Fence("dry-run", 0),
            acting,
            client.site,
            record.jira_project_key,
            client.address_of,
        )
        desk = Desk(record, settings, client, ledger)
        target = await prepare(desk)
        issues = await preview(desk, target)
    return {
        "session": {"id": str(record.id), "jira_site": client.site, "jira_project_key": target.project_key},
        "label": target.label,
        "link_type": target.link_type,
        "issues": [issue.model_dump(mode="json") for issue in issues],
    }


def _print(target: "Console", document: dict[str, Any]) -> None:
    print_table(
        target,
        ("order", "title", "characters", "file", "blocked by", "left out", "validated"),
        [
            (
                issue["order"],
                issue["title"],
                len(str(issue["request"]["fields"]["description"])),
                issue["attachment"] or "",
                len(issue["blocked_by"]),
                ", ".join(fix["field"] for fix in issue["manual_fixes"]),
                "yes" if issue["validated"] else "no",
            )
            for issue in document["issues"]
        ],
    )
