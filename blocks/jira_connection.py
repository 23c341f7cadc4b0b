"""A login at one Jira site: the library's sessions, the threads they run in, and how answers become types."""

from collections.abc import Awaitable, Callable
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

import requests
from atlassian.jira import JiraCloud, JiraSoftware
from pydantic import TypeAdapter
from requests.adapters import HTTPAdapter

from blocks.jira_limiter import SiteLimiter, limiter_of
from blocks.jira_oauth_login import OAuthLogin
from blocks.jira_transport import Effect, Transport

T = TypeVar("T")
Call = Callable[..., Any]  # a method of atlassian-python-api; the library is not annotated

CONNECT_SECONDS = 10.0


class JiraConnection:
    """One account at one Jira site, by e-mail and API token or by OAuth. Close it, or use it in `async with`.

    The library's own retries are off: they would send a create request again without asking.
    """

    def __init__(
        self,
        url: str,
        email: str,
        api_token: str,
        *,
        in_flight: int = 8,
        read_seconds: float = 30.0,
        patience: float = 120.0,
        login: OAuthLogin | None = None,
    ) -> None:
        self.site = url.rstrip("/")
        self.email = login.account_name if login else email
        self._session = requests.Session()
        # A login must not follow a redirect, and a redirected POST becomes a GET.
        self._session.max_redirects = 0
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=in_flight))
        self._session.auth = login or (email, api_token)
        options: dict[str, Any] = {
            "session": self._session,
            "advanced_mode": True,  # answers come back whole: a 201 may hold errors, a 400 says which
            "retry_with_header": False,
            "backoff_and_retry": False,
        }
        api_url = login.api_url if login else self.site
        self._core: Any = JiraCloud(api_url, **options)
        self._agile: Any = JiraSoftware(api_url, **options)
        for library in (self._core, self._agile):
            # To connect, and between two bytes; the library's own option knows whole seconds only.
            setattr(library, "timeout", (CONNECT_SECONDS, read_seconds))  # noqa: B010
        self._transport = Transport(self.site, limiter_of(self.site), in_flight=in_flight, patience=patience)
        self._transport.login = login

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let connections and threads go."""
        self._transport.close()
        self._session.close()

    @property
    def uses_oauth(self) -> bool:
        """Whether a person logged in; else there is an API token."""
        return self._transport.login is not None

    @property
    def limiter(self) -> SiteLimiter:
        """The pacing of this site, shared by the process."""
        return self._transport.limiter

    def ask_before_writing(self, permission: Callable[[], Awaitable[None]]) -> None:
        """Await this right before every write that may be repeated; it raises when the work has to stop."""
        self._transport.before_write = permission

    def share_pauses(
        self, learn: Callable[[], Awaitable[float]], tell: Callable[[float], Awaitable[None]]
    ) -> None:
        """Take part in what other processes know: `learn` the seconds left of a pause, `tell` those of a new one."""
        self._transport.learn_pause, self._transport.tell_pause = learn, tell

    async def ready(self, *issues: str) -> None:
        """Wait until Jira wants to hear from us, and until one more write to each of these issues is allowed."""
        await self._transport.ready(issues)

    async def _get(self, what: str, call: Call, kind: type[T]) -> T:
        adapter: TypeAdapter[T] = TypeAdapter(kind)
        return await self._transport.call(
            what, call, Effect.READ, lambda response: adapter.validate_python(response.json())
        )

    async def _pages(self, what: str, call: Call, member: str, kind: type[T], *, size: int) -> list[T]:
        adapter: TypeAdapter[list[T]] = TypeAdapter(list[kind])  # type: ignore[valid-type]
        found: list[T] = []

        def parse(response: requests.Response) -> tuple[list[T], bool]:
            page = response.json()
            items = adapter.validate_python(page[member])
            total = page.get("total", 0)
            return items, page.get("isLast", len(found) + len(items) >= total)

        last = False
        while not last:
            turn = partial(call, start_at=len(found), max_results=size)
            items, last = await self._transport.call(what, turn, Effect.READ, parse)
            found += items
            last = last or not items
        return found
