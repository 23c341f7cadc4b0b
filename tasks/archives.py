"""Zip archives: unpacked in memory, within limits, and never onto a disk."""

import io
import lzma
import stat
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from zipfile import BadZipFile, ZipFile, ZipInfo

from tasks.core.errors import UserFixable
from tasks.core.settings import Limits

_DAMAGED = (
    BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    ValueError,
)
# Entries that are no spec files count as well: a directory of a million names is a bomb of its own.
_MOST_ENTRIES = 1_000


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that was found: its name, the folder it is in, and how to read it up to one byte beyond a limit."""

    name: str
    folder: str
    read: Callable[[int], bytes]


def unpack(name: str, content: bytes, limits: Limits, suffixes: Collection[str]) -> Iterator[Opened]:
    """The spec files of an archive."""
    if len(content) > limits.total_bytes:
        raise _refused(name, f"is larger than {limits.total_bytes / 1_000_000:g} MB")
    try:
        archive = ZipFile(io.BytesIO(content))
    except _DAMAGED as error:
        raise _refused(name, "is damaged or no zip archive") from error
    entries = archive.infolist()
    if len(entries) > _MOST_ENTRIES:
        raise _refused(name, f"has more than {_MOST_ENTRIES} entries")
    for entry in entries:
        _check(name, entry)
        path = PurePosixPath(entry.filename)
        hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
        if not entry.is_dir() and not hidden and path.suffix.casefold() in suffixes:
            yield Opened(path.name, path.parent.name, _reader(name, archive, entry))


def _check(name: str, entry: ZipInfo) -> None:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or entry.filename[1:2] == ":":
        raise _refused(name, f"has an entry that leaves it: “{entry.filename}”")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise _refused(name, f"has a link in it: “{entry.filename}”")
    if entry.flag_bits & 1:
        raise _refused(name, "is encrypted")
    if path.suffix.casefold() == ".zip":
        raise _refused(name, f"has an archive in it: “{entry.filename}”")


def _reader(name: str, archive: ZipFile, entry: ZipInfo) -> Callable[[int], bytes]:
    def read(most: int) -> bytes:
        """What the entry really holds counts, not what it says."""
        try:
            with archive.open(entry) as file:
                return file.read(most + 1)
        except _DAMAGED as error:
            raise _refused(name, f"is damaged at “{entry.filename}”") from error

    return read


def _refused(name: str, why: str) -> UserFixable:
    return UserFixable(
        f"The archive “{name}” {why}.",
        actions=["Pack the CSV files of the spec again, without anything else."],
        code="archive-refused",
    )
