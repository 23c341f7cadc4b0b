"""Who may log in and which projects exist: fixed when the sandbox starts."""

import re
from dataclasses import dataclass, field
from hashlib import sha256

PROJECT_PERMISSIONS = (
    "BROWSE_PROJECTS",
    "CREATE_ISSUES",
    "EDIT_ISSUES",
    "DELETE_ISSUES",
    "ASSIGN_ISSUES",
    "ASSIGNABLE_USER",
    "LINK_ISSUES",
    "SCHEDULE_ISSUES",
    "MODIFY_REPORTER",
    "TRANSITION_ISSUES",
    "ADD_COMMENTS",
    "CREATE_ATTACHMENTS",
    "DELETE_OWN_ATTACHMENTS",
    "DELETE_ALL_ATTACHMENTS",
    "MANAGE_SPRINTS_PERMISSION",
    "ADMINISTER_PROJECTS",
)
GLOBAL_PERMISSIONS = ("ADMINISTER", "BULK_CHANGE", "USER_PICKER", "CREATE_PROJECT")
ROLES: dict[str, frozenset[str]] = {
    "admin": frozenset(PROJECT_PERMISSIONS + GLOBAL_PERMISSIONS),
    "member": frozenset(PROJECT_PERMISSIONS) - {"ADMINISTER_PROJECTS"} | {"BULK_CHANGE", "USER_PICKER"},
    "creator": frozenset({"BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES"}),
    "viewer": frozenset({"BROWSE_PROJECTS"}),
    "none": frozenset(),
}
PROJECT_KEY = re.compile(r"[A-Z][A-Z0-9]{1,9}")
FIRST_PROJECTS = {
    "LAKE": "Lakeside College",
    "UWEC": "UWEC website",
    "DEMO": "Demonstration",
    "TEST": "Test project",
}
DEFAULT_EMAIL = "sandbox@example.com"
DEFAULT_TOKEN = "sandbox-token"  # noqa: S105 -- the sandbox holds nothing worth a secret
DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET = "sandbox-client", "sandbox-secret"


@dataclass(frozen=True)
class Login:
    """An account with its API token and what it may do."""

    email: str
    token: str
    permissions: frozenset[str] = ROLES["member"]

    @property
    def account_id(self) -> str:
        """Stable for an e-mail address, shaped like Atlassian's."""
        digest = sha256(self.email.encode()).hexdigest()
        return f"712020:{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"

    @property
    def display_name(self) -> str:
        """The local part of the address, as a name."""
        return self.email.split("@", 1)[0].replace(".", " ").title()


@dataclass(frozen=True)
class OAuthApp:
    """A program that is registered for OAuth 2.0 (3LO)."""

    client_id: str
    secret: str


@dataclass(frozen=True)
class Config:
    """One sandbox: where it keeps its issues, its logins and the projects it starts with."""

    state: str
    logins: tuple[Login, ...] = (Login(DEFAULT_EMAIL, DEFAULT_TOKEN),)
    projects: dict[str, str] = field(default_factory=lambda: dict(FIRST_PROJECTS))
    oauth_apps: tuple[OAuthApp, ...] = (OAuthApp(DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET),)


def parse_login(text: str) -> Login:
    """Read `email:token[:role]`; a role is a name above or permission keys joined by `+`."""
    email, token, role = [*text.split(":", 2), "", ""][:3]
    if "@" not in email or not token:
        raise ValueError(f"A login is EMAIL:TOKEN[:ROLE], not {text!r}")
    return Login(email, token, parse_role(role or "member"))


def parse_oauth_app(text: str) -> OAuthApp:
    """Read `ID:SECRET`."""
    client_id, _, secret = text.partition(":")
    if not client_id or not secret:
        raise ValueError(f"An OAuth app is ID:SECRET, not {text!r}")
    return OAuthApp(client_id, secret)


def parse_role(role: str) -> frozenset[str]:
    """The permissions of a named role, or the listed ones."""
    if role in ROLES:
        return ROLES[role]
    permissions = frozenset(role.split("+"))
    if unknown := permissions - ROLES["admin"]:
        raise ValueError(
            f"No role or permission is called {', '.join(sorted(unknown))}; roles: {', '.join(ROLES)}"
        )
    return permissions


def parse_project(text: str) -> tuple[str, str]:
    """Read `KEY=Name`; the name may be left out."""
    key, _, name = text.partition("=")
    if not PROJECT_KEY.fullmatch(key):
        raise ValueError(f"A project key is 2 to 10 capital letters and digits, letter first, not {key!r}")
    return key, name or key
