"""The answer of a consent page: taken once, from whoever knows the state, and nothing else is served."""

import asyncio
import re
import socket

import httpx
import pytest

from blocks.jira_oauth import Site
from deployments.cli.jira_callback import Callback, callback_on
from deployments.cli.jira_login import choose_site
from tasks.core.errors import Cancelled, UserFixable
from tests.stack import free_port


async def visit(callback: Callback, path: str = "/callback", host: str = "", **query: str) -> httpx.Response:
    """What a browser does."""
    headers = {"Host": host} if host else {}
    async with httpx.AsyncClient(verify=False, trust_env=False) as browser:
        return await browser.get(f"http://127.0.0.1:{callback.port}{path}", params=query, headers=headers)


async def test_the_code_comes_with_the_state_and_the_page_says_no_more_than_it_must() -> None:
    async with callback_on(free_port()) as callback:
        assert callback.redirect_uri == f"http://127.0.0.1:{callback.port}/callback"
        page = await visit(callback, code="the-code", state=callback.state)
        assert await callback.code(1) == "the-code"
    assert page.status_code == 200
    assert "You are logged in" in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert (page.headers["cache-control"], page.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert not re.search(r"<script|the-code", page.text)


async def test_a_stranger_neither_ends_the_waiting_nor_is_repeated_on_the_page() -> None:
    async with callback_on(free_port()) as callback:
        for query in (
            {"code": "<b>evil"},
            {"code": "evil", "state": "guess"},
            {"code": "evil", "state": "ü"},
        ):
            page = await visit(callback, **query)
            assert page.status_code == 400
            assert "evil" not in page.text
        assert (await visit(callback, path="/", code="evil", state=callback.state)).status_code == 404
        elsewhere = await visit(callback, host="evil.example", code="evil", state=callback.state)
        assert elsewhere.status_code == 400
        await visit(callback, code="good", state=callback.state)
        assert await callback.code(1) == "good"


async def test_the_second_answer_is_none() -> None:
    async with callback_on(free_port()) as callback:
        await visit(callback, code="first", state=callback.state)
        assert (await visit(callback, code="second", state=callback.state)).status_code == 400
        assert await callback.code(1) == "first"


async def test_a_state_that_stands_there_twice_is_none() -> None:
    async with callback_on(free_port()) as callback:
        page = await visit(callback, path=f"/callback?state={callback.state}&state=x&code=evil")
        assert page.status_code == 400


async def test_who_says_no_has_cancelled() -> None:
    async with callback_on(free_port()) as callback:
        page = await visit(callback, error="access_denied", state=callback.state)
        assert "Nothing was granted" in page.text
        with pytest.raises(Cancelled):
            await callback.code(1)


async def test_an_answer_without_a_code_says_what_to_look_at() -> None:
    async with callback_on(free_port()) as callback:
        await visit(callback, error="invalid_scope", state=callback.state)
        with pytest.raises(UserFixable, match="without granting access"):
            await callback.code(1)


async def test_waiting_has_an_end_which_is_said() -> None:
    async with callback_on(free_port()) as callback:
        with pytest.raises(UserFixable, match="Nobody agreed within 0 seconds"):
            await callback.code(0.05)


async def test_a_port_that_is_in_use_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UserFixable, match=f"Port {port}"):
            async with callback_on(port):
                pass


async def test_the_port_is_free_again_afterwards() -> None:
    port = free_port()
    for _ in range(2):
        async with callback_on(port) as callback:
            await visit(callback, code="c", state=callback.state)
            assert await asyncio.wait_for(callback.code(1), 2) == "c"


def test_the_site_is_the_wanted_one_or_the_only_one() -> None:
    one, two = Site(id="1", url="https://one.atlassian.net"), Site(id="2", url="https://two.atlassian.net/")
    assert choose_site([one, two], "https://two.atlassian.net") is two
    assert choose_site([one], "") is one
    for sites, url in (([one, two], ""), ([], ""), ([one], "https://two.atlassian.net")):
        with pytest.raises(UserFixable, match="granted") as raised:
            choose_site(sites, url)
        assert "--url" in raised.value.actions[0]
