import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from deployments.stack.prefect_app import OwnPagesOnly

OURS = "http://127.0.0.1:4200"


async def greet(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("hello")
    await websocket.close()


@pytest.fixture
def client() -> TestClient:
    guard = Middleware(OwnPagesOnly, origins=[OURS])
    return TestClient(Starlette(routes=[WebSocketRoute("/events", greet)], middleware=[guard]))


@pytest.mark.parametrize("headers", [{}, {"origin": OURS}], ids=["no page", "our page"])
def test_our_pages_and_programs_may_listen(client: TestClient, headers: dict[str, str]) -> None:
    with client.websocket_connect("/events", headers=headers) as websocket:
        assert websocket.receive_text() == "hello"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:4201"])
def test_pages_of_others_may_not(client: TestClient, origin: str) -> None:
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/events", headers={"origin": origin}):
        pass
