"""How far a session has come, shown while a run works on it: a bar on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from db.enums import SessionStage
from deployments.cli.output import console, note, printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

STAGES = list(SessionStage)
DOING = {
    SessionStage.SITE_INFO_COLLECTION: "Checking the Jira project",
    SessionStage.UPLOAD: "Reading the spec",
    SessionStage.PROCESSING: "Writing tickets",
    SessionStage.REVIEW: "Tickets written",
    SessionStage.JIRA_EXPORT: "Creating issues in Jira",
    SessionStage.COMPLETED: "Completed",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a session stands at one moment."""

    stage: SessionStage
    tickets: int = 0
    in_jira: int = 0
    state: str = ""  # what Prefect says of the run

    @property
    def share(self) -> float:
        """How much of the way is done, from 0 to 1."""
        within = self.in_jira / self.tickets if self.stage is SessionStage.JIRA_EXPORT and self.tickets else 0
        return (STAGES.index(self.stage) + within) / (len(STAGES) - 1)

    @property
    def words(self) -> str:
        """What is being done."""
        if self.state in {"Scheduled", "Late", "Pending"}:
            return "Waiting for a worker" if self.state == "Late" else "Starting"
        return DOING[self.stage]

    def __str__(self) -> str:
        return f"{self.words}{self._counts()}"

    def _counts(self) -> str:
        if not self.tickets or self.words != DOING[self.stage]:
            return ""
        if self.stage in {SessionStage.JIRA_EXPORT, SessionStage.COMPLETED}:
            return f": {self.in_jira} of {self.tickets}"
        return f": {self.tickets}"


class Lines:
    """One line on standard error whenever something changed."""

    def __init__(self) -> None:
        self._last = ""

    def update(self, standing: Standing) -> None:
        """Say what is new; counts alone are news only at every quarter."""
        quarter = int(4 * standing.share * (len(STAGES) - 1))
        news = f"{quarter} {standing.words}"
        if news != self._last:
            self._last = news
            note(f"[{standing.share:4.0%}] {standing}")


class Bar:
    """A progress bar on standard error."""

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._task: TaskID = progress.add_task("Starting", total=1.0)

    def update(self, standing: Standing) -> None:
        """Move the bar."""
        self._progress.update(self._task, description=printable(standing), completed=standing.share)


@contextmanager
def shown_progress() -> Iterator[Bar | Lines]:
    """Something to report progress to."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as progress:
        yield Bar(progress)
