"""A session's document as people read it on a terminal."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from deployments.cli.output import print_facts, print_table, printable, short

if TYPE_CHECKING:
    from rich.console import Console

Document = dict[str, Any]
SEVERITIES = ("blocking", "warning", "info")


def print_summary(target: "Console", document: Document) -> None:
    """What came out: tickets by group, issues, what needs a hand, the time it took, and what happens next."""
    print_facts(target, session_facts(document))
    if document["tickets"]:
        _print_groups(target, document["tickets"])
        _print_issues(target, document["tickets"])
    _print_earlier(target, document)
    _print_fixes(target, document["manual_fixes"])
    if document["timings"]:
        print_table(target, ("Stage", "Seconds"), [(k, f"{v:.1f}") for k, v in document["timings"].items()])
    for line in next_steps(document["session"]):
        target.print(line, soft_wrap=True)


def session_facts(document: Document) -> dict[str, object]:
    """The head of the summary."""
    session = document["session"]
    found = Counter(finding["severity"] for finding in document["findings"])
    return {
        "Session": session["id"],
        "Site": session["site_name"],
        "Jira": f"{session['jira_project_key']} at {session['jira_site'] or 'a site not checked yet'}",
        "Stage": f"{session['stage']} ({session['status']})",
        "Files": f"{len(document['files'])}, {sum(file['row_count'] for file in document['files'])} rows",
        "Findings": ", ".join(f"{found[severity]} {severity}" for severity in SEVERITIES),
        "Held": f"{len(document['held'])} rows",
        **({"Changed": changes_fact(document["changes"])} if document.get("changes") else {}),
        "Unedited": f"{document['unedited_share']:.0%}",
        "Cost": cost_fact(document["cost"]),
        **({"Written": writing_fact(document["writing"])} if document.get("writing") else {}),
    }


def changes_fact(changes: Document) -> str:
    """What the last upload changed."""
    from tasks.core.spec.changes import SpecChanges

    return f"{SpecChanges.model_validate(changes).summary} (by the last upload)"


def cost_fact(cost: dict[str, float]) -> str:
    """What the text has cost, beside what was expected."""
    spent = f"{cost['spent_usd']:.4f} USD"
    if not cost["ceiling_usd"]:
        return spent
    return f"{spent}; expected {cost['estimate_usd']:.4f}, at most {cost['ceiling_usd']:.4f}"


def writing_fact(writing: dict[str, Any]) -> str:
    """Who wrote the tickets, and what a model's texts went through."""
    parts = [", ".join(f"{count} {who.replace('_', ' ')}" for who, count in writing["written_by"].items())]
    if writing["first_pass_rate"] is not None:
        parts.append(f"{writing['first_pass_rate']:.0%} passed the checks at the first go")
        parts.append(f"{writing['repairs']} repairs")
    parts += [f"offline, {why}: {count}" for why, count in writing["fallbacks"].items()]
    return "; ".join(parts)


def next_steps(session: dict[str, Any]) -> list[str]:
    """What a person may do now."""
    name = short(session["id"])
    if session["status"] == "completed":
        return []
    if session["waiting_for"] == "review":
        return [
            "The tickets wait for your review:",
            f"  read them      drupal-tickets tickets list {name}",
            f"  approve them   drupal-tickets session resume {name} --yes",
        ]
    return [f"Go on with: drupal-tickets session resume {name}"]


def _print_groups(target: "Console", tickets: list[dict[str, Any]]) -> None:
    total = Counter(ticket["entity_group"] for ticket in tickets)
    in_jira = Counter(ticket["entity_group"] for ticket in tickets if ticket["jira_key"])
    rows = [(group, count, in_jira[group]) for group, count in sorted(total.items())]
    print_table(
        target,
        ("Group", "Tickets", "In Jira"),
        [*rows, ("Together", sum(total.values()), sum(in_jira.values()))],
    )


def _print_issues(target: "Console", tickets: list[dict[str, Any]]) -> None:
    sent = [ticket for ticket in tickets if ticket["jira_key"]]
    if sent:
        rows = [(ticket["jira_key"], ticket["title"], ticket["jira_url"]) for ticket in sent]
        print_table(target, ("Issue", "Title", "Address"), rows)


def _print_earlier(target: "Console", document: Document) -> None:
    """Tickets that would be a second issue: said as long as it can be helped."""
    waiting = {ticket["id"] for ticket in document["tickets"] if not ticket["jira_key"]}
    found = [one for one in document.get("already_in_jira", ()) if one["ticket_id"] in waiting]
    if found:
        rows = [
            (", ".join(one["issues"]), one["title"], "the same" if one["unchanged"] else "other text")
            for one in found
        ]
        print_table(target, ("In Jira already", "Ticket of this session", "Says"), rows)


def _print_fixes(target: "Console", fixes: list[dict[str, Any]]) -> None:
    if fixes:
        rows = [(fix["jira_key"], fix.get("field"), fix.get("wanted"), fix.get("action")) for fix in fixes]
        print_table(target, ("Issue", "To set by hand", "Value", "What to do"), rows)


def print_findings(target: "Console", findings: list[dict[str, Any]]) -> None:
    """Everything that is wrong with the spec, and what to do about it."""
    for finding in findings:
        records = ", ".join(map(str, finding["records"]))
        where = " ".join(filter(None, (finding["file"], records and f"record {records}", finding["column"])))
        target.print(printable(f"{finding['severity']}: {finding['message']}  [{where}]"), soft_wrap=True)
        for action in finding["actions"]:
            target.print(printable(f"    → {action}"), soft_wrap=True)
