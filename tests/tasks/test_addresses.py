"""Addresses: what they lead to is read; what leads into the worker's own network is refused when it connects."""

import datetime
import io
import ipaddress
import socket
import ssl
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry
from openpyxl import Workbook

from tasks.core.errors import AdminRequired, ProductError, Temporary, UserFixable
from tasks.core.settings import Limits
from tasks.public_network import is_public
from tasks.sources import is_address, read_local, read_named
from tests.builders.spec import bundle, load, tab

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


@pytest.mark.parametrize("store", ["s3", "gs", "az"])
def test_an_object_store_needs_its_extra(store: str) -> None:
    with pytest.raises(AdminRequired) as error:
        read_named([f"{store}://bucket/Bundles.csv"], LIMITS)
    assert error.value.code == "extra-missing"
    assert f"[{store}]" in error.value.actions[0]


class NoCredentialsError(Exception):
    """As the library of a store calls it."""


class Store(MemoryFileSystem):  # type: ignore[misc]
    """An object store in memory, in the place of one that an extra would bring."""

    store: ClassVar[dict[str, Any]] = {}
    wrong: ClassVar[Exception | None] = None

    def _open(self, *args: Any, **options: Any) -> Any:
        if self.wrong is not None:
            raise self.wrong
        return super()._open(*args, **options)


@pytest.fixture
def object_store(monkeypatch: pytest.MonkeyPatch) -> type[Store]:
    """Answers for s3:// in this process."""
    monkeypatch.setitem(_registry, "s3", Store)
    monkeypatch.setattr(Store, "store", {})
    monkeypatch.setattr(Store, "wrong", None)
    Store.clear_instance_cache()
    return Store


def test_a_file_of_an_object_store_is_read_within_the_limits(object_store: type[Store]) -> None:
    object_store().pipe(
        {
            "/bucket/site/Bundles.csv": BUNDLES,
            "/bucket/spec": zipped({"Fields.csv": b"a,b"}),
            "/bucket/large.csv": b"x" * 30_000,
        }
    )
    found = read_named(["s3://bucket/site/Bundles.csv", "s3://bucket/spec"], LIMITS)
    assert [(file.filename, file.content) for file in found] == [
        ("Bundles.csv", BUNDLES),
        ("Fields.csv", b"a,b"),
    ]
    with pytest.raises(UserFixable, match="larger than"):
        read_named(["s3://bucket/large.csv"], LIMITS)
    with pytest.raises(UserFixable, match="leads to no file"):
        read_named(["s3://bucket/missing.csv"], LIMITS)


def test_a_folder_of_an_object_store_is_read_like_one_of_this_machine(object_store: type[Store]) -> None:
    object_store().pipe(
        {
            "/bucket/site/Bundles.csv": BUNDLES,
            "/bucket/site/Fields #2.csv": b"a,b",
            "/bucket/site/notes.pdf": b"%PDF",
            "/bucket/site/old/Bundles.csv": b"x",
        }
    )
    for address in ("s3://bucket/site", "s3://bucket/site/"):
        found = read_named([address], LIMITS)
        assert [(file.filename, file.content) for file in found] == [
            ("Bundles.csv", BUNDLES),
            ("Fields #2.csv", b"a,b"),
        ]
    with pytest.raises(UserFixable, match="There are 2 files"):
        read_named(["s3://bucket/site"], LIMITS.model_copy(update={"files": 1}))
    with pytest.raises(UserFixable, match="no CSV file"):
        read_named(["s3://bucket"], LIMITS)


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (PermissionError("no"), UserFixable),
        (NoCredentialsError(), AdminRequired),
        (ConnectionResetError(), Temporary),
    ],
)
def test_who_can_fix_a_store_depends_on_what_it_says(
    object_store: type[Store], wrong: Exception, kind: type[ProductError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "wrong", wrong)
    with pytest.raises(kind):
        read_named(["s3://bucket/Bundles.csv"], LIMITS)


@pytest.mark.parametrize(
    ("address", "export"),
    [
        ("d/1aB-c_D/edit?gid=7#gid=7", "d/1aB-c_D/export?format=xlsx"),
        ("d/1aB-c_D", "d/1aB-c_D/export?format=xlsx"),
        ("u/1/d/1aB-c_D/edit", "d/1aB-c_D/export?format=xlsx"),
        ("d/e/2PACX-1v/pubhtml", "d/e/2PACX-1v/pub?output=xlsx"),
    ],
)
def test_a_google_sheet_is_read_as_its_workbook(google: str, address: str, export: str) -> None:
    book = Workbook()
    for row in (["Name", "Machine name", "Type"], ["Page", "page", "Content type"]):
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    moved = {"Location": f"{google}/download"}
    named = {"Content-Disposition": "attachment; filename*=UTF-8''Lakeside.xlsx"}
    Site.answers = {f"/spreadsheets/{export}": (307, moved, b""), "/download": (200, named, out.getvalue())}
    (sheet,) = read_named([f"{google}/spreadsheets/{address}"], LIMITS)
    assert sheet.filename == "Lakeside.xlsx/Sheet"
    assert load(sheet, types={sheet.filename: "bundles"}).rows("bundles")[0]["name"] == "Page"


def test_a_google_sheet_that_is_not_shared_is_said_so(google: str) -> None:
    page = {"Content-Type": "text/html; charset=utf-8"}
    Site.answers = {"/spreadsheets/d/secret/export?format=xlsx": (200, page, b"<html>Sign in")}
    with pytest.raises(UserFixable, match="shared with everybody"):
        read_named([f"{google}/spreadsheets/d/secret/edit"], LIMITS)


@pytest.fixture
def google(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A site that the name service calls docs.google.com, with a certificate in that name."""
    certificate, key = certified("docs.google.com", tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("DRUPAL_TICKETS_ALLOWED_ADDRESSES", "127.0.0.1")
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, port, *_, **__: [(2, 1, 6, "", ("127.0.0.1", port))]
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"https://docs.google.com:{server.server_port}"
    server.shutdown()
    server.server_close()


def certified(host: str, folder: Path) -> tuple[Path, Path]:
    """A certificate that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files


class NameService:
    """Gives every question its next answer, as one that changes its mind between check and connection would."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers), 0

    def __call__(self, host: str, port: int, **_: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        self.asked += 1
        return [(2, 1, 6, "", (ip, port)) for ip in self.answers.pop(0)]


def test_a_name_with_one_private_address_among_public_ones_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", NameService(["93.184.216.34", "10.0.0.8"]))
    with pytest.raises(UserFixable, match=r"10\.0\.0\.8, which is not a public address"):
        read_named(["http://rebinding.example/Fields.csv"], LIMITS)


def test_the_connection_goes_to_the_very_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    names, connected = NameService(["93.184.216.34"], ["127.0.0.1"]), []

    def connect(address: tuple[str, int], *_: object, **__: object) -> None:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", names)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(Temporary):
        read_named(["http://rebinding.example/Fields.csv"], LIMITS)
    assert (connected, names.asked) == ([("93.184.216.34", 80)], 1)


@pytest.mark.parametrize(
    "path", ["examples/lakeside", "./Fields.csv", "C:/spec/Fields.csv", "/tmp/a b.csv", "Fields: all.csv"]
)
def test_a_path_is_no_address(path: str) -> None:
    assert not is_address(path)
