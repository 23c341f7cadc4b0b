"""The files beside the issues: each on its issue exactly once, read back by name before and after."""

import asyncio
import time
from collections.abc import Sequence

from blocks.jira_answers import AttachmentInfo
from blocks.jira_client import JiraClient
from blocks.jira_errors import JiraRefused, NotSent
from blocks.jira_project import require_access
from db.repositories.delivery import PendingUpload
from tasks.concurrency import together, unbroken
from tasks.core.errors import UnknownOutcome
from tasks.core.settings import JiraSettings
from tasks.export_ledger import Ledger
from tasks.export_surplus import copies, keep_oldest

ATTEMPTS, FIRST_PAUSE = 5, 0.2


class Uploader:
    """Puts the files of one session on their issues."""

    def __init__(self, client: JiraClient, ledger: Ledger, settings: JiraSettings) -> None:
        self.client, self.ledger, self.settings = client, ledger, settings
        self._account: str | None = None

    async def upload(self, files: Sequence[PendingUpload]) -> None:
        """Bring every file to a known end; one that Jira refuses becomes a manual fix."""
        self._account = await self.ledger.account()
        for file in files:
            if file.seconds_since_start is not None:  # a run died, or Jira was away, while it was sent
                await self.ledger.upload_uncertain(file, self.settings.search_again_seconds)
        await asyncio.sleep(max((self._still_landing(file) for file in files), default=0.0))
        present = await self.client.attachments(file.jira_key for file in files)
        await together(*(self._bring(file, present.get(file.jira_key, ())) for file in files))

    async def _bring(self, file: PendingUpload, present: Sequence[AttachmentInfo]) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            if await self._keep_one(file, present):
                return
            try:
                await self._send(file)
                return
            except UnknownOutcome:
                await self.ledger.upload_uncertain(file, self.settings.search_again_seconds)
                if attempt == ATTEMPTS:
                    raise
                await asyncio.sleep(self.settings.request_seconds)
            except NotSent:
                if attempt == ATTEMPTS:
                    raise
                await asyncio.sleep(FIRST_PAUSE * attempt)
            present = (await self.client.attachments([file.jira_key])).get(file.jira_key, ())

    async def _send(self, file: PendingUpload) -> None:
        await self.client.ready(file.jira_key)
        await unbroken(self._exchange(file))

    async def _exchange(self, file: PendingUpload) -> None:
        late = time.time() + self.settings.request_seconds / 2
        await self.ledger.upload_starts(file)
        within, content = late - time.time(), file.content.encode()
        try:
            sent = await self.client.add_attachment(file.jira_key, file.filename, content, within=within)
        except JiraRefused as error:
            await require_access(self.client, self.ledger.project_key, "CREATE_ATTACHMENTS")
            await self.ledger.upload_refused(file, error.message)
        else:
            await self.ledger.uploaded(file, sent.id)

    async def _keep_one(self, file: PendingUpload, present: Sequence[AttachmentInfo]) -> bool:
        """Take what is there for ours, and delete what a lost answer made us send twice."""
        ours = copies(present, file.filename, file.content, self._account)
        if not ours:
            return False
        await keep_oldest(self.client, self.ledger, file.ticket_id, ours)
        await self.ledger.uploaded(file, ours[0].id)
        return True

    def _still_landing(self, file: PendingUpload) -> float:
        """How long a file that somebody began to send may still arrive."""
        if file.seconds_since_start is None:
            return 0.0
        return max(0.0, self.settings.request_seconds - file.seconds_since_start)
