import asyncio
import socket

import httpx
import pytest

from deployments.stack.external import require_database, require_prefect
from tasks.core.errors import AdminRequired, Temporary
from tests.stack import free_port


async def test_a_database_that_works_is_fine(empty_database_url: str) -> None:
    await require_database(empty_database_url)


async def test_a_database_that_is_away_is_temporary_and_its_password_is_not_shown() -> None:
    with pytest.raises(Temporary, match="does not answer") as caught:
        await require_database(f"postgresql://someone:hunter2@127.0.0.1:{free_port()}/tickets")
    assert "hunter2" not in caught.value.message
    assert "127.0.0.1" in caught.value.message


async def test_a_database_that_does_not_exist_is_for_the_administrator(empty_database_url: str) -> None:
    base, _, name = empty_database_url.partition("test_")
    with pytest.raises(AdminRequired, match=r"refuses: .*does not exist"):
        await require_database(f"{base}missing?{name.partition('?')[2]}")


@pytest.mark.parametrize("address", ["nonsense", "mysql://host/db", "postgresql://[half/db"])
async def test_an_address_that_is_none_is_for_the_administrator(address: str) -> None:
    with pytest.raises((AdminRequired, Temporary)):
        await require_database(address)


async def test_something_else_on_the_port_is_temporary() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0, family=socket.AF_INET) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Temporary, match="does not answer"):
            await require_database(f"postgresql://someone@127.0.0.1:{port}/tickets")


async def test_a_prefect_server_that_is_away_is_temporary() -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(Temporary, match=r"Prefect server .* does not answer"):
            await require_prefect(client, f"http://127.0.0.1:{free_port()}/api")
