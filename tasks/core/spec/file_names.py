"""Which stored file a newly given one takes the place of, and which one a person means by a name."""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath

from tasks.core.errors import UserFixable

# What a browser adds to the name of a second download: `Fields (1).csv`.
_AGAIN = re.compile(r" ?\(\d{1,2}\)(?=\.[a-z]+(/|$))", re.IGNORECASE)
_SHEET = re.compile(r"(?P<workbook>.+\.xls[xm])/", re.IGNORECASE)


def replacing(given: Sequence[str], stored: Collection[str]) -> Mapping[str, str]:
    """The names to keep files under: that of their predecessor where it is the same name, or a second download."""
    taken = set(given)
    names = {}
    for name in given:
        plain = _AGAIN.sub("", name)
        again = name not in stored and plain in stored and plain not in taken
        names[name] = plain if again else name
    return names


def outdated(given: Collection[str], stored: Collection[str]) -> list[str]:
    """Stored sheets of workbooks that came again without them."""
    workbooks = {match["workbook"] for match in map(_SHEET.match, given) if match}
    sheets = [(name, _SHEET.match(name)) for name in stored if name not in given]
    return [name for name, match in sheets if match and match["workbook"] in workbooks]


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
