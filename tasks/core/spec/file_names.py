"""Which stored file a newly given one takes the place of, and which one a person means by a name."""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath

from tasks.core.errors import UserFixable

# What a browser adds to the name of a second download: `Fields (1).csv`.
_AGAIN = re.compile(r" ?\(\d{1,2}\)(?=\.[a-z]+$)", re.IGNORECASE)
_SHEET = re.compile(r"(?P<workbook>.+\.xls[xm])/", re.IGNORECASE)


def handed_in(name: str) -> str:
    """The file that a person handed in: a sheet came in its workbook."""
    sheet = _SHEET.match(name)
    return sheet["workbook"] if sheet else name


def replacing(given: Sequence[str], stored: Collection[str]) -> Mapping[str, str]:
    """The names to keep files under: that of their predecessor where it is the same name, or a second download."""
    known, new = set(map(handed_in, stored)), set(map(handed_in, given))
    names = {}
    for name in given:
        file = handed_in(name)
        plain = _AGAIN.sub("", file)
        again = file not in known and plain in known - new
        names[name] = plain + name[len(file) :] if again else name
    return names


def outdated(given: Collection[str], stored: Collection[str]) -> list[str]:
    """Stored sheets of workbooks that came again without them."""
    files = set(map(handed_in, given))
    return [name for name in stored if name not in given and handed_in(name) in files]


def known_file(name: str, stored: Collection[str]) -> str:
    """The stored file of that name; of its last part, or in other letters, where no other file is meant."""
    if name in stored:
        return name
    folded = name.casefold()
    alike = [one for one in stored if one.casefold() == folded] or [
        one for one in stored if PurePosixPath(one).name.casefold() == PurePosixPath(folded).name
    ]
    if len(alike) != 1:
        raise UserFixable(
            f"The session has {'several files' if alike else 'no file'} “{name}”.",
            actions=[f"It has: {', '.join(f'“{one}”' for one in sorted(alike or stored)) or 'none yet'}."],
            code="file-unknown",
        )
    return alike[0]
