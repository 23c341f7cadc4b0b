"""One running sandbox, and one call to it: who asks, what may they, what did they send."""

import base64
import binascii
import json
import secrets
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request

from deployments.jira_sandbox import catalogue, problems
from deployments.jira_sandbox.belongings import Belongings
from deployments.jira_sandbox.catalogue import Member
from deployments.jira_sandbox.config import Config, Login
from deployments.jira_sandbox.faults import Faults
from deployments.jira_sandbox.journal import Journal
from deployments.jira_sandbox.limits import RateLimits
from deployments.jira_sandbox.oauth import CLOUD_ID, OAuth, needed_scope
from deployments.jira_sandbox.settings import Settings
from deployments.jira_sandbox.store import Issue, Project, Store

ANONYMOUS = Login("", "", frozenset())


class Site:
    """Everything that lives as long as the sandbox."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.store = Store(config.state)
        self.belongings = Belongings(self.store)
        self.settings = Settings()
        self.faults = Faults()
        self.journal = Journal()
        self.limits = RateLimits()
        self.oauth = OAuth(self.store, config.oauth_apps)
        for key, name in config.projects.items():
            self.store.add_project(key, name)

    def reset(self) -> None:
        """As started with an empty file."""
        self.store.clear()
        self.oauth.forget()
        self.settings = Settings()
        self.faults.clear()
        self.journal.clear()
        self.limits = RateLimits()

    def members(self) -> tuple[Member, ...]:
        """All users of the site: the catalogue's and those who can log in."""
        logins = (Member(login.account_id, login.display_name, login.email) for login in self.config.logins)
        return catalogue.MEMBERS + tuple(logins)

    def member(self, account_id: object) -> Member | None:
        """A user by account id."""
        return next((m for m in self.members() if m.account_id == account_id), None)

    def assignable(self, member: Member) -> bool:
        """Whether issues can be assigned to the user."""
        return member.assignable and member.account_id not in self.settings.unassignable

    def caller(self, request: Request) -> Login:
        """Who asks: by e-mail and token at the site's address, by OAuth at the gateway's (jira.md 12)."""
        authorization = request.headers.get("authorization", "")
        if "cloud" in request.path_params:
            return self.login_by_bearer(authorization, request)
        return self.login_by_basic(authorization)

    def login_by_bearer(self, authorization: str, request: Request) -> Login:
        """The account that consented; the gateway has its own words for a refusal."""
        scheme, _, token = authorization.partition(" ")
        grant = self.oauth.bearer(token, self.settings) if scheme.lower() == "bearer" else None
        login = next((item for item in self.config.logins if grant and item.email == grant.email), None)
        revoked = login is None or login.email in self.settings.revoked_logins
        if grant is None or login is None or revoked or request.path_params["cloud"] != CLOUD_ID:
            raise problems.GatewayProblem("Unauthorized")
        path = request.url.path.removeprefix(f"/ex/jira/{CLOUD_ID}")
        if needed_scope(request.method, path) not in grant.scopes:
            raise problems.GatewayProblem("Unauthorized; scope does not match")
        return login

    def login_by_basic(self, authorization: str) -> Login:
        """The account of a token; wrong credentials raise, or see an empty site, as the settings say."""
        email, token = read_basic(authorization)
        for login in self.config.logins:
            same = secrets.compare_digest(login.token.encode(), token.encode())
            if same and login.email == email and email not in self.settings.revoked_logins:
                return login
        if self.settings.refuse_anonymous:
            raise problems.unauthenticated()
        return ANONYMOUS


@dataclass(frozen=True)
class Call:
    """One REST call with its caller and its body."""

    site: Site
    login: Login
    request: Request
    raw: bytes = b""
    files: list[tuple[UploadFile, bytes]] = field(default_factory=list)

    @property
    def base(self) -> str:
        """The address of the REST calls as the caller wrote it: the site's or the gateway's."""
        cloud = self.request.path_params.get("cloud")
        return f"{self.root}/ex/jira/{cloud}" if cloud else self.root

    @property
    def root(self) -> str:
        """The address of the site."""
        return str(self.request.base_url).rstrip("/")

    @property
    def permissions(self) -> frozenset[str]:
        """What the caller may do now."""
        return self.login.permissions - set(self.site.settings.revoked_permissions)

    @cached_property
    def body(self) -> Any:
        """The body, which must say that it is JSON and be it."""
        kind = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise problems.JiraProblem(415, "Unsupported Media Type")
        return read_json(self.raw)

    def path(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def query(self, name: str, default: str = "") -> str:
        """A query parameter."""
        return self.request.query_params.get(name, default)

    def query_number(self, name: str, default: int, most: int | None = None) -> int:
        """A query parameter that is a number from zero up."""
        text = self.query(name, str(default))
        if not (text.isascii() and text.isdigit()):
            raise problems.JiraProblem(400, f"The '{name}' query parameter must be a number.")
        return min(int(text[:15]), most) if most else int(text[:15])

    def body_object(self) -> dict[str, Any]:
        """The body, which must be a JSON object."""
        if not isinstance(self.body, dict):
            raise problems.unreadable_body()
        return self.body

    def project(self, key_or_id: str) -> Project:
        """A project that the caller may see."""
        project = self.site.store.project(key_or_id)
        if project is None or not self.may_see(project.key):
            raise problems.no_such_project(key_or_id)
        return project

    def may_see(self, project_key: str) -> bool:
        """Whether the caller may browse the project."""
        return "BROWSE_PROJECTS" in self.permissions and project_key not in self.site.settings.hidden_projects

    def issue(self, key_or_id: str) -> Issue:
        """An issue that the caller may see."""
        issue = self.site.store.issue(key_or_id)
        if issue is None or not self.may_see(issue.key.rpartition("-")[0]):
            raise problems.no_such_issue()
        return issue

    def writes_to(self, *issues: Issue) -> None:
        """Count a write on issues against Jira's per-issue limit."""
        if self.site.settings.rate_limits:
            self.site.limits.write_issues([issue.id for issue in issues])


def read_json(body: bytes) -> Any:
    """The body as strict JSON that can be written again."""
    try:
        read = json.loads(body, parse_constant=refuse_constant)
        if b"\\ud" in body.lower():  # half a surrogate pair is no text
            json.dumps(read, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise problems.unreadable_body() from error
    return read


def refuse_constant(name: str) -> None:
    """NaN and Infinity are Python's, not JSON's."""
    raise ValueError(name)


def read_basic(authorization: str) -> tuple[str, str]:
    """E-mail address and token of a basic header; empty when it is not one."""
    scheme, _, coded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        email, _, token = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return email, token
