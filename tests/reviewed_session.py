"""A small session that waits for its review on the running stack, and what its people see of it."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.prefect_api import PrefectApi
from tests.stack import RunningStack

ROLES = (
    "ID,Name,Machine name,X,Dev,QA,Notes\n"
    ",Chief Editor,chief_editor,a,,,Publishes everything.\n"
    ",Intern,intern,a,,,Drafts only.\n"
)


@dataclass(frozen=True)
class ReviewedSession:
    """One session, by its id."""

    stack: RunningStack
    id: str

    @property
    def uuid(self) -> UUID:
        """The id as repositories take it."""
        return UUID(self.id)

    def cli(self, *words: str, exit_code: int = 0) -> subprocess.CompletedProcess[str]:
        """A command on this session, whose id goes after the command's own words."""
        command = 2 if words[0] in ("tickets", "session") else 1
        done = self.stack.cli(*words[:command], self.id, *words[command:])
        assert done.returncode == exit_code, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        return done

    def tickets(self) -> list[dict[str, Any]]:
        """Its tickets, as they are listed."""
        return list(json.loads(self.cli("tickets", "list", "--json").stdout)["tickets"])

    def document(self) -> dict[str, Any]:
        """Where it stands."""
        return dict(json.loads(self.cli("session", "show", "--json").stdout))

    def status(self) -> tuple[str, str]:
        """Its stage and status."""
        session = self.document()["session"]
        return session["stage"], session["status"]

    def review(self) -> dict[str, Any]:
        """The last decision."""
        return dict(json.loads(self.cli("review", "--json").stdout)["review"])

    def rounds(self) -> int:
        """How many rounds of the review there were."""
        return int(self.review()["round"])


def begin(stack: RunningStack, folder: Path, site: str = "Reviewed") -> ReviewedSession:
    """A session of two roles that has come to its review."""
    (folder / "Roles.csv").write_text(ROLES.replace("Chief", site))
    done = stack.cli("run", str(folder), "--site-name", site, "--project-key", "TEST", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["session"]["waiting_for"]) == (0, "review"), done.stderr
    return ReviewedSession(stack, document["session"]["id"])


def opened(prefect: PrefectApi, reviewed: ReviewedSession, **parameters: Any) -> tuple[str, int]:
    """A review run whose form waits; the run and the number of its round."""
    number = reviewed.rounds() + 1
    run = prefect.start("review-tickets", session_id=reviewed.id, requested_by="Dana", **parameters)
    assert f"review round {number}" in prefect.form(run, number)
    return run, number
