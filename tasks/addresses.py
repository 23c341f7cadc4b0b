"""Specs behind addresses: http and https, Google Sheets, and object stores."""

import io
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit
from zipfile import BadZipFile, ZipFile

import httpcore

from tasks.core.errors import AdminRequired, Temporary, UserFixable
from tasks.public_network import PublicNetwork

_WEB = frozenset({"http", "https"})
_STORES = frozenset({"s3", "gs", "gcs", "az", "abfs"})
_FILES = frozenset({".csv", ".tsv", ".xlsx", ".xlsm", ".zip"})
_NESTED = re.compile(r"^[a-z0-9+.-]+::|::[a-z0-9+.-]+:/", re.IGNORECASE)
_SHEET = re.compile(
    r"(?P<origin>https://docs\.google\.com(:\d+)?)/spreadsheets/(u/\d+/)?d/(?P<published>e/)?(?P<id>[\w-]+)"
)
_LOGIN = re.compile(r"//[^/]*@")
_SIGNATURE = re.compile(r"\?.+", re.DOTALL)
_REDIRECTS = 5
_SECONDS = 60.0  # for one address, redirects included
_TIMEOUTS = {"connect": 10.0, "read": 20.0, "write": 10.0, "pool": 10.0}
_MOVED = frozenset({301, 302, 303, 307, 308})
_BUSY = frozenset({408, 429})
# Of one try at an object store, whose package tries five times; by itself it would wait for minutes.
_PATIENCE: Mapping[str, Mapping[str, Any]] = {
    "s3": {"config_kwargs": {"connect_timeout": 5, "read_timeout": 10, "retries": {"max_attempts": 0}}}
}


def fetch(address: str, most: int) -> tuple[str, bytes]:
    """Name and content of the file behind an address, read up to one byte beyond a limit."""
    if _NESTED.search(address):
        raise refused(address, "is nested; an address within an address is not read")
    sheet = _SHEET.match(address)
    if sheet is not None:
        name, content = _download(workbook_address(sheet), most)
        return name if name.casefold().endswith(".xlsx") else f"{sheet['id']}.xlsx", content
    scheme = urlsplit(address).scheme.casefold()
    if scheme in _WEB:
        name, content = _download(address, most)
    elif scheme in _STORES:
        name, content = _read_store(address, scheme, most)
    else:
        raise refused(address, f"has the protocol “{scheme}”, which is not read")
    return _named_by_content(name, content), content


def workbook_address(sheet: re.Match[str]) -> str:
    """Where Google gives a sheet, shared or published, as a workbook."""
    how = (
        f"d/e/{sheet['id']}/pub?output=xlsx" if sheet["published"] else f"d/{sheet['id']}/export?format=xlsx"
    )
    return f"{sheet['origin']}/spreadsheets/{how}"


def refused(address: str, why: str) -> UserFixable:
    """An address that is not read."""
    return UserFixable(
        f"The address “{_shown(address)}” {why}.",
        actions=[
            "Give a public https address, a Google Sheets link, or s3://, gs:// or az://.",
            "Or upload the files.",
        ],
        code="address-refused",
    )


def _download(address: str, most: int) -> tuple[str, bytes]:
    """The file behind a web address; every redirect is looked at like the first address."""
    until = time.monotonic() + _SECONDS
    with httpcore.ConnectionPool(network_backend=PublicNetwork(), retries=0) as pool:
        for _ in range(_REDIRECTS + 1):
            parts = urlsplit(address)
            if parts.scheme not in _WEB or not parts.hostname or parts.username or parts.password:
                raise refused(address, "is no plain web address")
            with _answer(pool, address) as (status, headers, chunks):
                if status not in _MOVED:
                    _check_status(address, status, headers)
                    return _file_name(address, headers), _read_chunks(address, chunks, most, until)
                address = urljoin(address, headers.get("location", ""))
    raise refused(address, "redirects too often")


@contextmanager
def _answer(
    pool: httpcore.ConnectionPool, address: str
) -> Iterator[tuple[int, Mapping[str, str], Iterator[bytes]]]:
    try:
        with pool.stream(
            "GET",
            address,
            headers={"Accept": "*/*", "User-Agent": "drupal-tickets"},
            extensions={"timeout": _TIMEOUTS},
        ) as response:
            headers = {
                name.decode("latin-1").casefold(): value.decode("latin-1") for name, value in response.headers
            }
            yield response.status, headers, response.iter_stream()
    except (httpcore.UnsupportedProtocol, httpcore.LocalProtocolError, ValueError) as error:
        raise refused(address, "is no plain web address") from error
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        raise _away(address, "does not answer") from error


def _check_status(address: str, status: int, headers: Mapping[str, str]) -> None:
    if status >= 500 or status in _BUSY:  # noqa: PLR2004
        raise _away(address, f"answers with {status}")
    if status != 200:  # noqa: PLR2004
        raise refused(address, f"answers with {status}; is it shared with everybody who has the link?")
    if headers.get("content-type", "").casefold().startswith("text/html"):
        raise refused(address, "is a web page, not a file; is it shared with everybody who has the link?")


def _read_chunks(address: str, chunks: Iterator[bytes], most: int, until: float) -> bytes:
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > most:
            break
        if time.monotonic() > until:
            raise _away(address, f"takes more than {_SECONDS:g} seconds")
    return bytes(content[: most + 1])


def _file_name(address: str, headers: Mapping[str, str]) -> str:
    message = Message()
    message["content-disposition"] = headers.get("content-disposition", "")
    said = message.get_filename() or unquote(urlsplit(address).path)
    return PurePosixPath(said.replace("\\", "/")).name or "spec"


def _named_by_content(name: str, content: bytes) -> str:
    """The name with the suffix that its content deserves."""
    if not content.startswith(b"PK"):
        return name if name.casefold().endswith((".csv", ".tsv", ".xlsx", ".zip")) else f"{name}.csv"
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            suffix = ".xlsx" if "xl/workbook.xml" in archive.namelist() else ".zip"
    except (BadZipFile, OSError, ValueError):
        suffix = ".zip"
    return name if name.casefold().endswith(suffix) else f"{name}{suffix}"


def folder_of_store(address: str) -> list[str] | None:
    """The addresses of what is in a folder of an object store; None for anything else."""
    scheme, path = urlsplit(address).scheme.casefold(), PurePosixPath(urlsplit(address).path)
    if scheme not in _STORES or _NESTED.search(address) or path.suffix.casefold() in _FILES:
        return None
    with _store(address, scheme) as (store, inside):
        found = sorted(store.ls(inside, detail=False)) if store.isdir(inside) else None
    return None if found is None else [f"{scheme}://{name.lstrip('/')}" for name in found]


def _read_store(address: str, scheme: str, most: int) -> tuple[str, bytes]:
    """A file of an object store."""
    with _store(address, scheme) as (store, path), store.open(path, "rb") as file:
        return PurePosixPath(path).name, file.read(most + 1)


@contextmanager
def _store(address: str, scheme: str) -> Iterator[tuple[Any, str]]:
    """The store of an address and the path in it, by the login of the machine; its packages are an optional extra."""
    import fsspec

    parts = urlsplit(address)
    if parts.username or parts.password or not parts.netloc or parts.query:
        raise refused(address, "is no plain address of an object store")
    try:
        store = fsspec.filesystem(scheme, **_PATIENCE.get(scheme, {}))
        store.invalidate_cache()  # what was listed a while ago may be there no more
        yield store, address.partition("://")[2]
    except ImportError as error:
        raise AdminRequired(
            f"Addresses that begin with {scheme}:// need a package that is not installed.",
            actions=[
                "Where this is installed, add the extra [s3], [gs] or [az]: pip install --editable '.[s3]'"
            ],
            code="extra-missing",
        ) from error
    except FileNotFoundError as error:
        raise refused(address, "leads to no file") from error
    except PermissionError as error:
        raise refused(address, "may not be read with the login of this installation") from error
    except Exception as error:  # each store has errors of its own
        if "Credential" in type(error).__name__:
            raise AdminRequired(
                f"This installation has no login for addresses that begin with {scheme}://.",
                actions=["Give it one where it runs: a role of the machine, or the variables of the store."],
                code="store-login-missing",
            ) from error
        raise _away(address, "cannot be read now") from error


def _away(address: str, why: str) -> Temporary:
    return Temporary(
        f"The address “{_shown(address)}” {why}.", actions=["Try again later."], code="address-away"
    )


def _shown(address: str) -> str:
    """The address without what may be a secret in it: a login, a signature."""
    return _SIGNATURE.sub("?…", _LOGIN.sub("//…@", address))
