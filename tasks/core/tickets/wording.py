"""Words for people: what may stand in prose, how a cell is spoken of, how a machine name is quoted."""

import re
import unicodedata
from collections.abc import Iterable

# What may not stand in prose, each with the name under which a check complains about it.
FORBIDDEN: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a link", re.compile(r"\b(?:https?|ftp):\S*|\bmailto:\S*|\bwww\.\S*|\]\(", re.IGNORECASE)),
    ("HTML", re.compile(r"</?[a-z][^<>]*>|<(?=[a-z/!])|&(?:[a-z]\w*|#\d+|#x[0-9a-f]+);", re.IGNORECASE)),
    ("a placeholder", re.compile(r"\b(?:TBD|TBC|TODO|FIXME|(?i:lorem ipsum))\b")),
    (
        "a remark about the writer",
        re.compile(r"\bas an? (?:AI|artificial intelligence|language model)\b|\bI am an AI\b", re.IGNORECASE),
    ),
)
SNAKE_CASE = re.compile(r"[^\W_]+(?:_+[^\W_]+)+")
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_NONCHARACTERS = {"\ufffe", "\uffff"}
_SENTENCE_END = re.compile(r"[.!?…。！？]+(?!\w)")


def is_invisible(character: str) -> bool:
    """Control, zero-width, bidirectional and line-separating characters, lone surrogates, noncharacters."""
    return unicodedata.category(character) in _INVISIBLE or character in _NONCHARACTERS


def is_refused(character: str) -> bool:
    """Characters that no document may hold: control characters but tab and line feed, and what is no character."""
    if character in "\t\n":
        return False
    return unicodedata.category(character) in {"Cc", "Cs"} or character in _NONCHARACTERS


def visible(text: str) -> str:
    """The text on one line, without characters that nobody sees."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    spaced = "".join(" " if character.isspace() else character for character in text)
    return " ".join("".join(c for c in spaced if not is_invisible(c)).split())


def spoken(text: str, limit: int = 80) -> str:
    """A cell as prose may name it; "" where nothing is left. Whole words only: half a machine name is a wrong one."""
    cleaned = visible(text).replace("`", " ")
    before = None
    while cleaned != before:
        before = cleaned
        for _, pattern in FORBIDDEN:
            cleaned = pattern.sub(" ", cleaned)
    cleaned = " ".join(cleaned.replace("<", " ").replace(">", " ").split())
    return cleaned if len(cleaned) <= limit else _shortened(cleaned, limit)


def _shortened(text: str, limit: int) -> str:
    head = text[: limit - 1].rpartition(" ")[0]
    if head:
        return head + "…"
    return "" if "_" in text[:limit] else text[: limit - 1] + "…"


def clipped(text: str, limit: int = 250) -> str:
    """A title of whole words that Jira takes, whatever its characters count."""
    while utf16_length(text) > limit:
        text = text.rpartition(" ")[0]
    return text


def clause(text: str, limit: int = 80) -> str:
    """A cell as a part of one sentence: spoken, and without anything that would end the sentence."""
    return " ".join(_SENTENCE_END.sub(" ", spoken(text, limit)).split())


def utf16_length(text: str) -> int:
    """How long JavaScript and Java call the text; lone surrogates count as one."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def quoted(text: str) -> str:
    """A name in a sentence."""
    return f"“{text}”"


def listed(parts: Iterable[str], limit: int = 12) -> str:
    """A, B and C; beyond the limit the rest is counted, never silently left out."""
    names = [part for part in parts if part]
    if len(names) > limit:
        names = [*names[: limit - 1], f"{len(names) - limit + 1} more"]
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1] if names else ""


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 field`, `2 fields`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def code(name: str) -> str:
    """A machine name as a code span, after the rule of CommonMark: a fence longer than any run inside."""
    inner = visible(name)
    if not inner:
        return ""
    longest = max((len(run) for run in re.findall(r"`+", inner)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{inner}{pad}{fence}"


def split_code(text: str) -> list[tuple[bool, str]]:
    """The text in pieces, in order: (is it code, what it says). A fence without its partner is plain text."""
    pieces: list[tuple[bool, str]] = []
    end = 0
    for span in _CODE_SPAN.finditer(text):
        if span.start() > end:
            pieces.append((False, text[end : span.start()]))
        inner = span.group(2)
        padded = inner.startswith(" ") and inner.endswith(" ") and inner.strip()
        pieces.append((True, inner[1:-1] if padded else inner))
        end = span.end()
    if end < len(text):
        pieces.append((False, text[end:]))
    return pieces
