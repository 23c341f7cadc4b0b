"""An asynchronous, typed client for the part of Jira Cloud that we use. Knows nothing of Prefect.

The calls are those of atlassian-python-api, made in threads. Errors are those of `jira_errors` and
`tasks.core.errors`.
"""

import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import requests
from pydantic import TypeAdapter

from blocks.jira_answers import (
    AttachmentInfo,
    Board,
    BulkCreated,
    CreateField,
    Issue,
    IssuePage,
    IssueType,
    LinkType,
    Project,
    Sprint,
    User,
)
from blocks.jira_connection import Call, JiraConnection
from blocks.jira_errors import BAD_REQUEST, JiraNotFound, JiraRefused, error_of_response, refused_one_by_one
from blocks.jira_transport import Effect, nothing
from tasks.core.errors import Temporary

BULK_CREATE, BULK_FETCH, PAGE = 50, 100, 100
UPLOAD_HEADERS = {"X-Atlassian-Token": "no-check", "Accept": "application/json"}

ATTACHMENTS = TypeAdapter(list[AttachmentInfo])


class JiraClient(JiraConnection):
    """What we ask Jira and tell Jira."""

    def address_of(self, key: str) -> str:
        """Where a person reads an issue."""
        return f"{self.site}/browse/{key}"

    # Who and where

    async def myself(self) -> User:
        """The account that this client speaks for."""
        return await self._get("say who is logged in", self._core.get_current_user, User)

    async def permissions(self, project: str, wanted: Iterable[str]) -> dict[str, bool]:
        """Which of the wanted permissions this account has in a project."""
        call = partial(self._core.get_my_permissions, project_key=project, permissions=",".join(wanted))
        answer = await self._get("name the permissions", call, dict[str, dict[str, dict[str, Any]]])
        found = answer.get("permissions", {})
        return {name: bool(permission.get("havePermission")) for name, permission in found.items()}

    async def project(self, key: str) -> Project:
        """A project; JiraNotFound when there is none that this account may see."""
        return await self._get(f"read the project {key}", partial(self._core.get_project, key), Project)

    async def projects(self, action: str = "create") -> list[Project]:
        """The projects in which this account may do something: view, browse, edit or create."""
        call = partial(self._core.search_projects, action=action)
        try:
            return await self._pages("list the projects", call, "values", Project, size=PAGE)
        except JiraNotFound:
            return []

    async def issue_types(self, project: str) -> list[IssueType]:
        """The kinds of issue that can be created in a project."""
        call = partial(self._core.get_create_issue_meta_issue_types, project)
        return await self._pages("list the issue types", call, "issueTypes", IssueType, size=2 * PAGE)

    async def create_fields(self, project: str, issue_type_id: str) -> list[CreateField]:
        """The fields on the create screen of an issue type."""
        call = partial(self._core.get_create_issue_meta_issue_type_id, project, issue_type_id)
        return await self._pages("read the create screen", call, "fields", CreateField, size=2 * PAGE)

    async def assignable_users(self, project: str) -> list[User]:
        """The people whom issues of a project can be assigned to; Jira filters pages after cutting them."""
        found: list[User] = []
        for start in range(0, 1000, PAGE):
            call = partial(
                self._core.find_assignable_users, project=project, start_at=start, max_results=PAGE
            )
            page = await self._get("list the assignable people", call, list[User])
            found += page
            if not page:
                break
        return found

    async def boards(self, project: str) -> list[Board]:
        """The boards of a project."""
        call = partial(self._agile.get_all_boards, project_key_or_id=project)
        return await self._pages("list the boards", call, "values", Board, size=50)

    async def sprints(self, board: int) -> list[Sprint]:
        """The running and coming sprints of a board; none on a board without sprints."""
        call = partial(self._agile.get_all_sprints, board, state="active,future")
        try:
            return await self._pages("list the sprints", call, "values", Sprint, size=50)
        except JiraRefused:
            return []

    async def link_types(self) -> list[LinkType]:
        """The kinds of link; none where linking is switched off."""
        call = self._core.get_issue_link_types
        try:
            answer = await self._get("list the link types", call, dict[str, list[LinkType]])
        except JiraNotFound:
            return []
        return answer.get("issueLinkTypes", [])

    # Issues

    async def create_issues(self, issues: Sequence[dict[str, Any]], *, within: float) -> BulkCreated:
        """Create up to 50 issues in one request, never repeated, nor sent later than `within` seconds.

        UnknownOutcome: nobody knows what was created. Any other error: nothing was. Without an error some
        elements may still have been refused: look at `errors`.
        """
        what = f"create {len(issues)} issues"
        call = partial(self._core.create_issues, data={"issueUpdates": list(issues)})

        def parse(response: requests.Response) -> BulkCreated:
            if response.status_code == BAD_REQUEST and not refused_one_by_one(response):
                raise error_of_response(what, self.site, response, writes=True)
            return BulkCreated.model_validate(response.json())

        deadline = time.time() + within
        return await self._transport.once(what, call, parse, not_after=deadline, accept=(BAD_REQUEST,))

    async def fetch(
        self, keys: Iterable[str], *, fields: Sequence[str] = ("summary",), properties: Sequence[str] = ()
    ) -> list[Issue]:
        """Issues by key or id, as they are at this moment. What does not exist is left out."""
        wanted = list(dict.fromkeys(keys))
        found: list[Issue] = []
        for start in range(0, len(wanted), BULK_FETCH):
            some = wanted[start : start + BULK_FETCH]
            body = {"issueIdsOrKeys": some, "fields": list(fields), "properties": list(properties)}
            call = partial(self._core.bulk_fetch_issues, data=body)
            page = await self._get("read issues", call, IssuePage)
            found += page.issues
            for failed in page.issue_errors:  # for whatever reason: ask for each of them alone
                found += await self._issue(str(failed.get("id")), fields, properties)
        return found

    async def search_label(self, label: str) -> list[Issue]:
        """The issues with a label, in whatever project by now, as far as Jira's index knows: absence proves nothing."""
        jql = f'labels = "{label}" ORDER BY created ASC'
        body: dict[str, Any] = {"jql": jql, "fields": ["summary"], "maxResults": PAGE}
        found: list[Issue] = []
        tokens: set[str] = set()
        while True:
            call = partial(self._core.search_and_reconsile_issues_using_jql_post, data=dict(body))
            page = await self._get("search for issues", call, IssuePage)
            found += page.issues
            token = page.next_page_token
            if page.is_last or not token:
                return found
            if token in tokens:  # the pages after this one cannot be had, and who knows what is on them
                raise Temporary("Jira did not show all issues that it found.")
            tokens.add(token)
            body["nextPageToken"] = token

    async def update_issue(self, key: str, body: dict[str, Any]) -> None:
        """Set fields and entity properties of an issue; a repetition changes nothing more."""
        call = partial(self._core.edit_issue, key, notify_users="false", data=body)
        await self._transport.call(f"update {key}", call, Effect.REPEATABLE, nothing, writes_to=(key,))

    async def delete_issue(self, key: str) -> None:
        """Delete an issue; one that is gone already is fine."""
        await self._remove(f"delete {key}", partial(self._core.delete_issue, key))

    # Attachments and links

    async def attachments(self, keys: Iterable[str]) -> dict[str, tuple[AttachmentInfo, ...]]:
        """The files that are on these issues, by the key that was asked for, also when an issue has another one now."""
        wanted = list(keys)
        found = {issue.key: issue.attachments for issue in await self.fetch(wanted, fields=["attachment"])}
        for key in set(wanted) - found.keys():
            for issue in await self._issue(key, ["attachment"], ()):
                found[key] = issue.attachments
        return found

    async def add_attachment(
        self, key: str, filename: str, content: bytes, *, within: float
    ) -> AttachmentInfo:
        """Put a file on an issue in one request, never repeated: a second one would be a second file.

        Wait for `ready(key)` before: an issue takes only so many writes in a while.
        """
        what = f"attach {filename} to {key}"
        files = {"file": (filename, content, "text/markdown")}
        call = partial(self._core.add_attachment, key, files=files, headers=UPLOAD_HEADERS)

        def parse(response: requests.Response) -> AttachmentInfo:
            return ATTACHMENTS.validate_python(response.json())[0]

        return await self._transport.once(what, call, parse, not_after=time.time() + within)

    async def delete_attachment(self, attachment_id: str) -> None:
        """Delete a file; one that is gone already is fine."""
        call = partial(self._core.remove_attachment, attachment_id)
        await self._remove(f"delete the attachment {attachment_id}", call)

    async def link(self, link_type: str, source: str, target: str) -> None:
        """Link two issues so that the source reads the outward way ("blocks"). Jira ignores a repetition.

        Against the wording of Atlassian's document the *inward* issue is the source.
        """
        body = {
            "type": {"name": link_type},
            "inwardIssue": {"key": source},
            "outwardIssue": {"key": target},
        }
        call = partial(self._core.link_issues, data=body)
        what, both = f"link {source} to {target}", (source, target)
        await self._transport.call(what, call, Effect.REPEATABLE, nothing, writes_to=both)

    async def _issue(self, key: str, fields: Sequence[str], properties: Sequence[str]) -> list[Issue]:
        wanted = {"fields": ",".join(fields), "properties": ",".join(properties)}
        call = partial(self._core.get_issue, key, **wanted)
        try:
            return [await self._get(f"read {key}", call, Issue)]
        except JiraNotFound:
            return []

    async def _remove(self, what: str, call: Call) -> None:
        try:
            await self._transport.call(what, call, Effect.REPEATABLE, nothing)
        except JiraNotFound:
            return
