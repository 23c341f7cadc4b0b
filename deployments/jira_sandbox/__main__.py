"""`python -m deployments.jira_sandbox`: start the sandbox."""

import argparse
import os
import socket
import sqlite3
import sys
from collections.abc import Callable, Sequence
from typing import Any

from deployments.jira_sandbox.config import (
    DEFAULT_EMAIL,
    DEFAULT_TOKEN,
    FIRST_PROJECTS,
    Config,
    Login,
    parse_login,
    parse_oauth_app,
    parse_project,
)
from deployments.jira_sandbox.server import build_server

WRONG_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop."""
    options = parser().parse_args(arguments)
    logins = (Login(options.email, options.token), *options.login)
    projects = FIRST_PROJECTS | dict(options.project)
    apps = tuple(options.oauth_client) or Config.oauth_apps
    config = Config(options.state, logins, projects, apps)
    try:
        server = build_server(config, options.host, options.port, options.log_level)
    except sqlite3.Error as error:
        print(f"The sandbox cannot use its file {options.state}: {error}", file=sys.stderr)  # noqa: T201
        return WRONG_USAGE
    server.run(None if options.fd is None else [socket.socket(fileno=options.fd)])
    return 0 if server.started else 1


def parser() -> argparse.ArgumentParser:
    """The options; secrets can come from the environment, which `ps` does not show."""
    made = argparse.ArgumentParser("jira_sandbox", description="A Jira Cloud to try things on.")
    made.add_argument("--host", default="127.0.0.1")
    made.add_argument("--port", type=int, default=8990)
    made.add_argument("--fd", type=int, help="an open socket to serve on, instead of host and port")
    made.add_argument("--state", required=True, help="file that holds the issues")
    made.add_argument("--email", default=os.environ.get("JIRA_SANDBOX_EMAIL", DEFAULT_EMAIL))
    made.add_argument("--token", default=os.environ.get("JIRA_SANDBOX_TOKEN", DEFAULT_TOKEN))
    login = (
        "EMAIL:TOKEN[:ROLE], repeatable; roles: admin, member, creator, viewer, none or PERMISSION+PERMISSION"
    )
    made.add_argument("--login", action="append", default=[], type=checked(parse_login), help=login)
    made.add_argument(
        "--project", action="append", default=[], type=checked(parse_project), help="KEY=Name, repeatable"
    )
    app = "OAuth client as ID:SECRET, repeatable"
    made.add_argument("--oauth-client", action="append", default=[], type=checked(parse_oauth_app), help=app)
    made.add_argument(
        "--log-level", default="warning", choices=["critical", "error", "warning", "info", "debug"]
    )
    return made


def checked(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """The parser's refusal in the words of the command line."""

    def read(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read


if __name__ == "__main__":
    sys.exit(main())
