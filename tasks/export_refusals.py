"""What Jira refused: left out, shortened, or handed to a person; and whether it is the project that is gone."""

from collections.abc import Mapping, Sequence

from blocks.jira_answers import BulkCreated, ElementError, ErrorCollection
from blocks.jira_client import JiraClient
from blocks.jira_errors import SERVER_ERROR, TOO_MANY, says_too_long
from blocks.jira_project import require_access
from tasks.core.errors import ValidationRequired
from tasks.core.tickets.payload import Outgoing, Target, droppable
from tasks.export_intents import IntentLedger

NO_REASON = "Jira gave no reason."
LeftOut = Mapping[str, frozenset[str]]  # fields that Jira refused, by ticket


class Refusals:
    """The refused tickets of one session."""

    def __init__(self, client: JiraClient, ledger: IntentLedger, target: Target) -> None:
        self.client, self.ledger, self.target = client, ledger, target
        self._shortened: list[str] = []

    def require_none_shortened(self) -> None:
        """Raises ValidationRequired when a description had to be shortened."""
        if self._shortened:
            raise ValidationRequired(
                f"Validation required: Jira found {len(self._shortened)} descriptions too long, "
                "and more of them is in their files now.",
                actions=(f"Validate and export again: drupal-tickets validate {self.target.session_id}",),
                details={"tickets": self._shortened},
            )

    async def note(
        self, refused: Sequence[Outgoing], why: Mapping[str, ElementError], left_out: LeftOut
    ) -> LeftOut:
        """Note what was refused; returns what may be tried again, with the fields to leave out then."""
        again: dict[str, frozenset[str]] = {}
        hopeless: list[tuple[Outgoing, ErrorCollection]] = []
        for ticket in refused:
            error = why[ticket.ticket_id]
            before = left_out.get(ticket.ticket_id, frozenset())
            named = self._named_fields(ticket, error.element_errors) - before
            await self.ledger.not_created([ticket], error.element_errors.text() or NO_REASON)
            if error.status == TOO_MANY:
                self.client.limiter.turned_away(None)
            if named or error.status == TOO_MANY:
                again[ticket.ticket_id] = before | named
            else:
                hopeless.append((ticket, error.element_errors))
        if hopeless:
            # Where the project is gone no ticket is to blame.
            await require_access_to(self.client, self.target)
        for ticket, reasons in hopeless:
            if says_too_long(reasons) and await self.ledger.shorten(ticket):
                self._shortened.append(ticket.title)
            else:
                await self.ledger.refused(ticket, reasons.text() or NO_REASON)
        return again

    def _named_fields(self, ticket: Outgoing, why: ErrorCollection) -> frozenset[str]:
        """The fields that Jira refused, when it named nothing that we cannot do without."""
        fields = frozenset(why.errors)
        return fields if fields <= droppable(self.target, ticket) else frozenset()


async def require_access_to(client: JiraClient, target: Target) -> None:
    """Raises AdminRequired when the project or the right to create in it was lost since the start."""
    await require_access(client, target.project_key, "BROWSE_PROJECTS", "CREATE_ISSUES")


def refusals(chunk: Sequence[Outgoing], answer: BulkCreated) -> dict[str, ElementError]:
    """What was certainly not created, and why; of an element at which Jira failed nobody knows."""
    return {
        chunk[error.failed_element_number].ticket_id: error
        for error in answer.errors
        if error.failed_element_number < len(chunk) and error.status < SERVER_ERROR
    }
