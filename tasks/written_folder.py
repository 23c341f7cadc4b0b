"""Files written for people: under safe names, each at once, and nothing of theirs is overwritten unasked."""

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tasks.core.errors import UserFixable

LONGEST_NAME = 150  # characters; every file system takes that many
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')
_READABLE = 0o644


def file_names(wanted: Sequence[str], *, suffix: str) -> list[str]:
    """A name for each that every system takes, none twice; a folder or sheet in the name becomes part of it."""
    taken: set[str] = set()
    names = []
    for name in wanted:
        plain = _UNSAFE.sub("_", re.sub(r"[/\\]+", " - ", name)).strip(" .") or "file"
        stem = plain[: -len(suffix)] if plain.lower().endswith(suffix) else plain
        stem, number = stem[:LONGEST_NAME], 1
        while (chosen := stem + (f" ({number})" if number > 1 else "") + suffix).casefold() in taken:
            number += 1
        taken.add(chosen.casefold())
        names.append(chosen)
    return names


def write_folder(folder: Path, contents: Mapping[str, bytes], *, overwrite: bool) -> None:
    """Write all files; refused before the first one where another content would be lost."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = [name for name, content in contents.items() if _holds_other(folder / name, content)]
        if others and not overwrite:
            raise UserFixable(
                f"{folder} has other files of these names: {', '.join(others[:5])}.",
                actions=("Name another folder, or add --overwrite.",),
                code="folder-in-use",
            )
        for name, content in contents.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            _replace(folder / name, content)
    except OSError as error:
        raise UserFixable(
            f"{folder} cannot be written: {error.strerror}.",
            actions=("Name a folder that you may write to.",),
            code="folder",
        ) from error


def _holds_other(path: Path, content: bytes) -> bool:
    return path.exists() and (not path.is_file() or path.read_bytes() != content)


def _replace(path: Path, content: bytes) -> None:
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".draft.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(draft).chmod(_READABLE)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
