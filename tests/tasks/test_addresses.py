"""Addresses: what they lead to is read; what leads into the worker's own network is refused when it connects."""

import io
import ipaddress
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from tasks.core.errors import ProductError, Temporary, UserFixable
from tasks.core.settings import Limits
from tasks.public_network import is_public
from tasks.sources import is_address, read_local, read_named
from tests.builders.spec import bundle, tab

LIMITS = Limits(file_bytes=10_000, total_bytes=20_000)
BUNDLES = tab("Bundles", bundle("Page")).content


class Site(BaseHTTPRequestHandler):
    """A web site of a few answers."""

    answers: ClassVar[dict[str, tuple[int, dict[str, str], bytes]]] = {}

    def do_GET(self) -> None:
        status, headers, content = self.answers[self.path]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A site on this machine, which the operator allows."""
    monkeypatch.setenv("DRUPAL_TICKETS_ALLOWED_ADDRESSES", "127.0.0.1/32")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def zipped(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_a_file_behind_an_address_is_read_under_its_own_name(site: str) -> None:
    said = {"Content-Disposition": 'attachment; filename="../My Bundles.csv"'}
    Site.answers = {
        "/a/Bundles.csv?v=2": (200, {}, BUNDLES),
        "/export": (200, said, BUNDLES),
        "/plain": (200, {}, BUNDLES),
    }
    found = read_named([f"{site}/a/Bundles.csv?v=2", f"{site}/export", f"{site}/plain"], LIMITS)
    assert [(file.filename, file.content) for file in found] == [
        ("Bundles.csv", BUNDLES), ("My Bundles.csv", BUNDLES), ("plain.csv", BUNDLES),
    ]  # fmt: skip


def test_the_command_line_may_name_an_address_as_well(site: str) -> None:
    Site.answers = {"/a/Bundles.csv": (200, {}, BUNDLES)}
    assert [file.filename for file in read_local([Path(f"{site}/a/Bundles.csv")], LIMITS)] == ["Bundles.csv"]


def test_an_archive_behind_an_address_is_unpacked(site: str) -> None:
    Site.answers = {"/spec": (200, {}, zipped({"Bundles.csv": BUNDLES, "Fields.csv": b"a,b"}))}
    assert [file.filename for file in read_named([f"{site}/spec"], LIMITS)] == ["Bundles.csv", "Fields.csv"]


def test_redirects_are_followed_but_not_for_ever(site: str) -> None:
    Site.answers = {
        "/old": (302, {"Location": "/new"}, b""),
        "/new": (200, {}, BUNDLES),
        "/round": (302, {"Location": "/round"}, b""),
    }
    assert [file.filename for file in read_named([f"{site}/old"], LIMITS)] == ["new.csv"]
    with pytest.raises(UserFixable, match="redirects too often"):
        read_named([f"{site}/round"], LIMITS)


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.2/x",
        "http://localhost.localdomain:1/x",
        "file:///etc/passwd",
        "ftp://a.example/x",
        "http://[::1]/x",
    ],
)
def test_a_redirect_into_the_own_network_is_refused(site: str, target: str) -> None:
    Site.answers = {"/old": (302, {"Location": target}, b"")}
    with pytest.raises(ProductError) as error:
        read_named([f"{site}/old"], LIMITS)
    assert error.value.code in ("address-refused", "address-away")


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/", "http://localhost/", "http://0.0.0.0/", "http://10.0.0.8/", "http://169.254.169.254/latest/",
        "http://192.168.1.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[fd00::1]/", "http://0x7f.1/",
        "http://2130706433/", "https://user:secret@example.com/", "http:///x", "https://", "file:///etc/passwd",
        "local:///etc/passwd", "memory://x", "ftp://example.com/x", "simplecache::https://example.com/x",
        "zip://a.csv::https://example.com/x", "github://a:b@c/", "s3://user:secret@bucket/x", "gopher://example.com/",
    ],
)  # fmt: skip
def test_what_may_not_be_reached_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DRUPAL_TICKETS_ALLOWED_ADDRESSES", raising=False)
    assert is_address(address)
    with pytest.raises(UserFixable) as error:
        read_named([address], LIMITS)
    assert error.value.code == "address-refused"


@pytest.mark.parametrize(
    ("ip", "public"),
    [
        ("93.184.216.34", True), ("2606:2800:220:1::1", True), ("100.64.0.1", False), ("172.16.0.1", False),
        ("224.0.0.1", False), ("255.255.255.255", False), ("198.18.0.1", False), ("64:ff9b::7f00:1", False),
        ("64:ff9b::5db8:d822", True), ("2002:7f00:1::", False), ("::", False), ("fe80::1", False),
        ("::ffff:10.0.0.1", False),
    ],
)  # fmt: skip
def test_public_is_public_however_it_is_wrapped(ip: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(ip)) is public


def test_the_operator_may_allow_a_host_by_name(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRUPAL_TICKETS_ALLOWED_ADDRESSES", "nonsense/99, localhost")
    Site.answers = {"/Bundles.csv": (200, {}, BUNDLES)}
    address = site.replace("127.0.0.1", "localhost")
    try:
        assert [file.filename for file in read_named([f"{address}/Bundles.csv"], LIMITS)] == ["Bundles.csv"]
    except Temporary:  # the first address of localhost may be ::1, where nothing listens
        pytest.skip("localhost is not 127.0.0.1 here")


def test_limits_hold_for_what_really_comes(site: str) -> None:
    Site.answers = {"/Bundles.csv": (200, {}, b"x" * 10_001), "/spec.zip": (200, {}, b"PK" + b"x" * 30_000)}
    with pytest.raises(UserFixable, match="larger than"):
        read_named([f"{site}/Bundles.csv"], LIMITS)
    with pytest.raises(UserFixable, match="larger than"):
        read_named([f"{site}/spec.zip"], LIMITS)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, UserFixable),
        (403, UserFixable),
        (401, UserFixable),
        (500, Temporary),
        (503, Temporary),
        (429, Temporary),
    ],
)
def test_who_can_fix_an_answer_depends_on_the_answer(
    site: str, status: int, kind: type[ProductError]
) -> None:
    Site.answers = {"/x": (status, {}, b"")}
    with pytest.raises(kind):
        read_named([f"{site}/x"], LIMITS)


def test_a_web_page_is_no_spec(site: str) -> None:
    Site.answers = {"/login": (200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>")}
    with pytest.raises(UserFixable, match="is a web page"):
        read_named([f"{site}/login"], LIMITS)


def test_what_does_not_answer_is_temporary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRUPAL_TICKETS_ALLOWED_ADDRESSES", "127.0.0.1")
    with pytest.raises(Temporary):
        read_named(["http://127.0.0.1:1/x"], LIMITS)
    with pytest.raises(Temporary):
        read_named(["https://no-such-host.invalid/x"], LIMITS)


def test_an_object_store_needs_its_extra() -> None:
    with pytest.raises(ProductError) as error:
        read_named(["s3://bucket/Bundles.csv"], LIMITS)
    assert error.value.actions


@pytest.mark.parametrize(
    "path", ["examples/lakeside", "./Fields.csv", "C:/spec/Fields.csv", "/tmp/a b.csv", "Fields: all.csv"]
)
def test_a_path_is_no_address(path: str) -> None:
    assert not is_address(path)
