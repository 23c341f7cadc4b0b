"""Where a spec comes from: folders and files of this machine, archives unpacked, limits counted after unpacking."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from tasks.archives import Opened, unpack
from tasks.core.errors import UserFixable
from tasks.core.settings import Limits
from tasks.core.spec.model import SourceFile

WORKBOOK_SUFFIXES = (".xlsx", ".xlsm")
# What a folder or an archive may hold beside the spec is left alone.
SPEC_SUFFIXES = frozenset({".csv", ".tsv", *WORKBOOK_SUFFIXES})
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:[/:]", re.IGNORECASE)
_SLASH = re.compile(r"^([^/:]+:)/(?!/)")  # a path keeps one slash of the two that an address has
_FOLDER_VARIABLE = "DRUPAL_TICKETS_SPEC_FOLDER"


def is_address(name: str) -> bool:
    """Whether a name is an address, not a path."""
    return _ADDRESS.match(name) is not None


def read_local(paths: Sequence[Path], limits: Limits) -> list[SourceFile]:
    """The files of a spec: folders, CSV files, workbooks and zip archives of this machine, or an address."""
    return _within(limits, [opened for path in paths for opened in _open_anything(str(path), path, limits)])


def read_named(names: Sequence[str], limits: Limits, inline: Sequence[SourceFile] = ()) -> list[SourceFile]:
    """What a worker may read: addresses, files below the one folder that the operator opened to UI and API.

    Files that came with the request itself (`inline`) count towards the same limits.
    """
    opened = [
        opened
        for name in names
        for opened in _open_anything(name, name if is_address(name) else _below_folder(name), limits)
    ]
    given = [opened for file in inline for opened in _unpacked(file, limits)]
    return _within(limits, [*opened, *given])


def _open_anything(name: str, path: Path | str, limits: Limits) -> Iterator[Opened]:
    if is_address(name):
        yield from _behind(_SLASH.sub(r"\1//", name), limits)
    else:
        yield from _open(Path(path), limits)


def _behind(address: str, limits: Limits) -> Iterator[Opened]:
    """The files behind an address, or in the folder of an object store that it names."""
    from tasks.addresses import fetch, folder_of_store

    inside = folder_of_store(address)
    if inside is None:
        name, content = fetch(address, limits.total_bytes)
        yield from _unpacked(SourceFile(name, content), limits)
        return
    for entry in inside:
        path = PurePosixPath(entry)
        if path.suffix.casefold() in SPEC_SUFFIXES:
            yield Opened(path.name, path.parent.name, partial(_content, entry))


def _content(address: str, most: int) -> bytes:
    from tasks.addresses import fetch

    return fetch(address, most)[1]


def _unpacked(file: SourceFile, limits: Limits) -> Iterator[Opened]:
    """A file whose content is here already, or what is in it where it is an archive."""
    if file.filename.casefold().endswith(".zip"):
        yield from unpack(file.filename, file.content, limits, SPEC_SUFFIXES)
    else:
        yield Opened(file.filename, "", lambda most: file.content[: most + 1])


def _below_folder(name: str) -> Path:
    configured = os.environ.get(_FOLDER_VARIABLE)
    if not configured:
        raise UserFixable(
            f"“{name}” is a path, and this installation has no folder for specs.",
            actions=[
                "Upload from the command line: drupal-tickets upload SESSION FOLDER.",
                f"Or ask the operator to name a folder in {_FOLDER_VARIABLE}.",
            ],
            code="path-refused",
        )
    folder = Path(configured).resolve()
    path = (folder / name).resolve()
    if not path.is_relative_to(folder):
        raise UserFixable(
            f"“{name}” is not below the folder for specs.",
            actions=["Give a name within that folder."],
            code="path-refused",
        )
    return path


def _open(path: Path, limits: Limits) -> Iterator[Opened]:
    """The files behind one path, with how to read them."""
    if _is_folder(path):
        found = [entry for entry in _listed(path) if entry.suffix.casefold() in SPEC_SUFFIXES]
        yield from (_file(entry, within=path) for entry in found)
    elif path.suffix.casefold() == ".zip":
        yield from unpack(path.name, _file(path).read(limits.total_bytes), limits, SPEC_SUFFIXES)
    else:
        yield _file(path)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(
            entry for entry in folder.iterdir() if not entry.name.startswith(".") and not entry.is_dir()
        )
    except OSError as error:
        raise _unreadable(folder, error) from error


def _file(path: Path, within: Path | None = None) -> Opened:
    """A file to read; an entry of a folder must not lead out of it."""
    if within is not None and not path.resolve().is_relative_to(within.resolve()):
        raise UserFixable(
            f"“{path.name}” is a link that leads out of its folder.",
            actions=["Put the file itself into the folder."],
            code="link-refused",
        )
    if not path.is_file():
        raise UserFixable(
            f"There is no file or folder “{path}”.", actions=["Check the path."], code="path-missing"
        )

    def read(most: int) -> bytes:
        try:
            with path.open("rb") as file:
                return file.read(most + 1)
        except OSError as error:
            raise _unreadable(path, error) from error

    return Opened(path.name, path.parent.name, read)


def _unreadable(path: Path, error: OSError | ValueError) -> UserFixable:
    return UserFixable(
        f"“{path}” cannot be read: {getattr(error, 'strerror', None) or error}.",
        actions=["Check who may read it."],
        code="path-unreadable",
    )


def _within(limits: Limits, opened: Sequence[Opened]) -> list[SourceFile]:
    """The contents of the files, as long as they keep the limits."""
    if not opened:
        raise UserFixable(
            "There is no CSV file and no workbook.",
            actions=["Export the tabs of the spec as CSV and name the folder that they are in."],
            code="no-files",
        )
    if len(opened) > limits.files:
        raise too_many_files(len(opened), limits)
    read: list[SourceFile] = []
    left = limits.total_bytes
    for name, file in zip(_distinct(opened), opened, strict=True):
        content = file.read(min(limits.file_bytes, left))
        if len(content) > limits.file_bytes:
            raise too_large(f"“{name}” is larger", limits.file_bytes, "file_bytes")
        left -= len(content)
        if left < 0:
            raise too_large("All files together are larger", limits.total_bytes, "total_bytes")
        read += _tabs(SourceFile(name, content), limits)
    return read


def _tabs(file: SourceFile, limits: Limits) -> list[SourceFile]:
    """A file itself, or the tabs of a workbook."""
    if not file.filename.casefold().endswith(WORKBOOK_SUFFIXES):
        return [file]
    from tasks.core.spec.workbook import sheets_of

    return sheets_of(file, limits)


def too_large(what: str, most: int, setting: str) -> UserFixable:
    """More bytes than a limit of the session allows."""
    return UserFixable(
        f"{what} than {most / 1_000_000:g} MB.",
        actions=[
            "Split the tab into several files.",
            f"Or begin a session with a higher limit: --limits {setting}={2 * most}",
        ],
        code="too-large",
    )


def too_many_files(count: int, limits: Limits) -> UserFixable:
    """More files than the limit of the session allows."""
    return UserFixable(
        f"There are {count} files; a session takes {limits.files}.",
        actions=[
            "Leave out tabs that need no tickets, or give the spec as one workbook (.xlsx).",
            f"Or begin a session with a higher limit: --limits files={count}",
        ],
        code="too-many-files",
    )


def _distinct(opened: Sequence[Opened]) -> Iterable[str]:
    """Names that are told apart by their folder where two files have the same."""
    names = Counter(file.name for file in opened)
    wanted = [
        f"{file.folder}/{file.name}" if names[file.name] > 1 and file.folder else file.name for file in opened
    ]
    seen: Counter[str] = Counter()
    for name in wanted:
        seen[name] += 1
        yield name if seen[name] == 1 else f"{seen[name]}/{name}"
