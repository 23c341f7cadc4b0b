"""Boards and sprints."""

from typing import Any

from starlette.responses import JSONResponse, Response

from deployments.jira_sandbox import catalogue, views
from deployments.jira_sandbox.api.issues import is_texts
from deployments.jira_sandbox.catalogue import SPRINT_FIELD, Board, Sprint
from deployments.jira_sandbox.problems import JiraProblem
from deployments.jira_sandbox.site import Call

PAGE = 50
MOVE_LIMIT = 50


def visible_boards(call: Call) -> list[Board]:
    """Boards of all projects that the caller may see."""
    return [
        board
        for project in call.site.store.projects()
        if call.may_see(project.key)
        for board in catalogue.boards_of(project.id, project.key)
    ]


def boards(call: Call) -> Response:
    """Boards, filtered by project, type and name."""
    found = visible_boards(call)
    if key := call.query("projectKeyOrId"):
        project = call.site.store.project(key)
        if project is None or not call.may_see(project.key):
            raise JiraProblem(400, f"No project could be found with key or id '{key}'.")
        found = [board for board in found if board.project_id == project.id]
    kinds = call.query("type").split(",") if call.query("type") else None
    name = call.query("name").casefold()
    shown = [b for b in found if (kinds is None or b.kind in kinds) and name in b.name.casefold()]
    return page(call, [views.board(call, board) for board in shown])


def find_board(call: Call) -> Board:
    """The board of the path."""
    for board in visible_boards(call):
        if str(board.id) == call.path("board"):
            return board
    raise JiraProblem(
        404,
        "The requested board cannot be viewed because it either does not exist or you do not"
        " have permission to view it.",
    )


def board(call: Call) -> Response:
    """One board."""
    return JSONResponse(views.board(call, find_board(call)))


def sprints(call: Call) -> Response:
    """Sprints of a scrum board, closed ones first."""
    found = find_board(call)
    if found.kind != "scrum":
        raise JiraProblem(400, "The board does not support sprints")
    states = call.query("state").split(",") if call.query("state") else None
    project = call.project(str(found.project_id))
    shown = [s for s in catalogue.sprints_of(project.id, project.key) if states is None or s.state in states]
    return page(call, [views.sprint(call, item) for item in shown])


def find_sprint(call: Call) -> Sprint:
    """The sprint of the path."""
    for project in call.site.store.projects():
        for sprint in catalogue.sprints_of(project.id, project.key):
            if str(sprint.id) == call.path("sprint") and call.may_see(project.key):
                return sprint
    raise JiraProblem(404, "Sprint does not exist or you do not have permission to view it.")


def sprint(call: Call) -> Response:
    """One sprint."""
    return JSONResponse(views.sprint(call, find_sprint(call)))


def move_to_sprint(call: Call) -> Response:
    """Put up to 50 issues into an open sprint."""
    found = find_sprint(call)
    names = call.body_object().get("issues")
    if not is_texts(names) or not names:
        raise JiraProblem(400, "The list of issues must be given.")
    if len(names) > MOVE_LIMIT:
        raise JiraProblem(
            400, f"The maximum number of issues that can be moved in one operation is {MOVE_LIMIT}."
        )
    if found.state == "closed":
        raise JiraProblem(400, "Issues can only be moved to open or active sprints.")
    if "SCHEDULE_ISSUES" not in call.permissions:
        raise JiraProblem(403, "You do not have permission to schedule issues.")
    issues = [call.issue(name) for name in names]
    call.writes_to(*issues)
    for issue in issues:
        call.site.store.change_issue(issue, issue.fields | {SPRINT_FIELD: found.id})
    return Response(status_code=204)


def page(call: Call, items: list[dict[str, Any]]) -> Response:
    """One page of boards or sprints."""
    start, most = call.query_number("startAt", 0), call.query_number("maxResults", PAGE, PAGE)
    end = start + most
    return JSONResponse(
        {
            "startAt": start,
            "maxResults": most,
            "total": len(items),
            "isLast": end >= len(items),
            "values": items[start:end],
        }
    )
