"""Stage 2: the spec's files, understood and checked together."""

from collections.abc import Sequence
from uuid import UUID

from prefect import flow

from db.enums import EventCategory, SessionStage
from tasks.core.forms import CustomTab, InlineFile, Requester
from tasks.core.outcomes import StageOutcome
from tasks.lifecycle import clear_ending, stage_run
from tasks.upload import check_spec, finish_upload, publish_spec_report, store_files


@flow(name="upload-spec", flow_run_name="upload-spec {session_id}")
@clear_ending
async def upload_spec(
    session_id: UUID,
    requested_by: Requester,
    spec: Sequence[str] = (),
    files: Sequence[InlineFile] = (),
    types: dict[str, str] | None = None,
    custom_tabs: Sequence[CustomTab] = (),
) -> StageOutcome:
    """Read the spec's files, recognise their tabs, and report every problem at once.

    Args:
        session_id: The session, as `drupal-tickets session list` shows it.
        requested_by: Your name or e-mail address, for the audit trail.
        spec: Addresses (https, a Google Sheets link, s3, gs, az), or names of files or folders below the configured
            spec folder. Leave empty to check again what is there.
        files: Small files given right here, each with its name and its text, or its bytes in base64.
        types: Tab types that you set yourself, by file name, e.g. `{"Menus.csv": "menus"}`.
        custom_tabs: Tabs of your own whose rows belong to those of another tab, each with the column that names them.
    """
    async with stage_run(
        session_id,
        requested_by,
        SessionStage.UPLOAD,
        EventCategory.UPLOAD,
        until=SessionStage.PROCESSING,
    ) as run:
        declared = {tab.filename: tab.csv_type for tab in custom_tabs}
        await store_files(run, spec, files, {**(types or {}), **declared})
        report = await check_spec(run)
        await publish_spec_report(run)
        return await finish_upload(run, report)
