"""From bytes to text: which encoding a file is in, and whether it is text at all."""

import codecs
from dataclasses import dataclass, replace

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_OTHER_FORMATS = (
    (b"PK\x03\x04", "a zip archive or an Office document"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
)
# Everything below space but tab and line breaks; text has hardly any of it.
_BINARY = bytes(code for code in range(32) if code not in b"\t\n\r")
_SAMPLE = 65_536
_HEAD = 2_048
_HARDLY = 4
_MANY = 20  # line breaks that cells of a small file may well have


# Stands for a line break within a cell that no quotes protect; a noncharacter, so no text has it.
HELD_BREAK = "\ufdd0"


@dataclass(frozen=True, slots=True)
class Decoded:
    """A file's text as UTF-8 without a byte order mark, records ended by \n, and how it was encoded."""

    data: bytes
    encoding: str
    guessed: bool = False  # nothing in the file says so
    held_breaks: bool = False  # HELD_BREAK stands for line breaks in cells


def binary_kind(content: bytes) -> str | None:
    """What a file is that is no text; None for text."""
    for start, kind in _OTHER_FORMATS:
        if content.startswith(start):
            return kind
    sample = content[:_SAMPLE]
    if content.startswith(tuple(bom for bom, _ in BOMS)) or utf16_without_mark(sample[:_HEAD]):
        return None
    controls = len(sample) - len(sample.translate(None, _BINARY))
    return "binary data" if controls * 10 > len(sample) else None


def decode(content: bytes) -> Decoded:
    """The text of a file: its byte order mark, else UTF-8, else Windows-1252; what is unreadable becomes U+FFFD."""
    found = _decode(content)
    if b"\r" not in found.data:
        return found
    data = found.data.replace(b"\r\n", b"\n")
    ends = record_end(data)
    if ends is None:
        return replace(found, data=data.replace(b"\r", b"\n"))
    other = b"\n" if ends == b"\r" else b"\r"
    data = data.replace(other, HELD_BREAK.encode()).replace(ends, b"\n")
    return replace(found, data=data, held_breaks=True)


def put_back(cell: str) -> str:
    """A cell with its held line breaks as such."""
    return cell.replace(HELD_BREAK, "\n")


def record_end(data: bytes) -> bytes | None:
    r"""Which of \r and \n ends records where both stand outside of quotes; None where they do not compete.

    What ends the first record ends them all, and the other is part of cells, unless there is far too much of it.
    """
    outside = b"".join(data.split(b'"')[::2])
    carriage, line = outside.find(b"\r"), outside.find(b"\n")
    if carriage < 0 or line < 0:
        return None
    ends, other = (b"\r", b"\n") if carriage < line else (b"\n", b"\r")
    return None if outside.count(other) > _MANY + 5 * outside.count(ends) else ends


def _decode(content: bytes) -> Decoded:
    for bom, encoding in BOMS:
        if content.startswith(bom):
            return _as_utf8(content[len(bom) :], encoding)
    unmarked = utf16_without_mark(content[:_HEAD])
    return _as_utf8(content, unmarked or "utf-8")


def _as_utf8(content: bytes, encoding: str) -> Decoded:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        if encoding == "utf-8" and not _mostly_utf8(content):
            return Decoded(content.decode("cp1252", errors="replace").encode(), "windows-1252", guessed=True)
        text = content.decode(encoding, errors="replace")
        return Decoded(text.encode(errors="replace"), encoding)
    return Decoded(content if encoding == "utf-8" else text.encode(), encoding)


def utf16_without_mark(sample: bytes) -> str | None:
    """Latin text in UTF-16 has a zero in every other byte."""
    pairs = len(sample) // 2
    if pairs < 2:  # noqa: PLR2004
        return None
    if sample[1::2].count(0) > pairs * 0.7 and sample[::2].count(0) < pairs * 0.1:
        return "utf-16-le"
    if sample[::2].count(0) > pairs * 0.7 and sample[1::2].count(0) < pairs * 0.1:
        return "utf-16-be"
    return None


def _mostly_utf8(content: bytes) -> bool:
    """Whether this is damaged UTF-8, and not another encoding, in which hardly a character would be readable."""
    kept = content.decode("utf-8", errors="surrogateescape")
    bad = sum(1 for character in kept if "\udc80" <= character <= "\udcff")
    good = sum(1 for character in kept if character > "\x7f") - bad
    return good * _HARDLY >= bad
