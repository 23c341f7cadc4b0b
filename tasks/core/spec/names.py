"""How names are compared: headers across template versions, labels without regard to case."""

import re
from collections.abc import Sequence
from functools import lru_cache

_DROPPED = re.compile(r"[.'’`()*?:]+")
_BREAKS = re.compile(r"[^a-z0-9]+")
_TYPED = re.compile(r"^(?P<name>.*\S)\s*\((?P<type>[^()]*)\)$", re.DOTALL)
_KIND_PHRASE = (
    r"(?P<kind>(?:content|node|paragraph|media|(?:custom )?block) types?|vocabulary|taxonomy|paragraph|media)"
)
_KIND_BEFORE = re.compile(rf"^{_KIND_PHRASE}\s*[:/–—-]\s*(?P<name>.*\S)$", re.IGNORECASE | re.DOTALL)
_KIND_AFTER = re.compile(rf"^(?P<name>.*[^\s:/–—-])\s*[\s:/–—-]\s*{_KIND_PHRASE}$", re.IGNORECASE | re.DOTALL)
SEPARATORS = re.compile(r"[,;\n](?![^()]*\))")  # between the names in one cell
_BESIDE = "\x1f"  # stands in no cell
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

# What people call the kinds of bundles, and the one word each is compared by.
_KINDS = {
    "content": "content", "node": "content",
    "media": "media",
    "paragraph": "paragraph", "paragraphs": "paragraph",
    "vocabulary": "vocabulary", "taxonomy": "vocabulary", "taxonomy term": "vocabulary",
    "taxonomy vocabulary": "vocabulary", "term": "vocabulary",
    "block": "block", "block content": "block", "content block": "block",
    "entity": "entity", "eck": "entity", "eck entity": "entity",
}  # fmt: skip


KINDS = frozenset(_KINDS.values())

# What a file, or the column that names its rows, is called where all its rows are bundles of one kind.
_NAMED_KIND = re.compile(
    r"\b(?:(?P<content>(?:content|node) types?)|(?P<paragraph>paragraphs?)|(?P<media>media)"
    r"|(?P<vocabulary>vocabular(?:y|ies)|taxonom(?:y|ies))|(?P<block>blocks?))\b"
)
_KIND_TITLES = {
    "content": "Content type", "paragraph": "Paragraph type", "media": "Media type", "vocabulary": "Vocabulary",
    "block": "Custom block type",
}  # fmt: skip


@lru_cache(maxsize=4096)
def header_key(text: str) -> str:
    """`Req'd`, `Vals.` and `Image Style Group(s)` as `reqd`, `vals` and `image style groups`."""
    return _BREAKS.sub(" ", _DROPPED.sub("", text.casefold())).strip()


def label_key(text: str) -> str:
    """A label as it is compared: without case and without extra spaces."""
    key = text.casefold().strip()
    return key if key.isprintable() and "  " not in key else " ".join(key.split())


def label_keys(labels: Sequence[str]) -> list[str]:
    """The keys of many labels, most of them at once."""
    joined = _BESIDE.join(labels).casefold()
    keys = joined.split(_BESIDE) if labels else []
    plain = "  " not in joined and joined.replace(_BESIDE, "").isprintable()
    return keys if plain else list(map(label_key, labels))


def file_key(filename: str) -> str:
    """The words of a file's name: `UWEC_CustomViewsDisplays.csv` is `uwec custom views displays`."""
    stem = re.split(r"[/\\#]", filename)[-1]
    stem = re.sub(r"\.(csv|tsv|txt|xlsx)$", "", stem, flags=re.IGNORECASE)
    return header_key(_CAMEL.sub(" ", stem))


@lru_cache(maxsize=1024)
def kind_key(text: str) -> str:
    """The kind of a bundle, whatever the template calls it: `Custom block type` and `Block type` are one."""
    words = [word for word in header_key(text).split() if word not in ("type", "types", "custom")]
    plain = " ".join(words)
    return _KINDS.get(plain) or _KINDS.get(plain.removesuffix("s")) or plain


def kind_named(key: str) -> str:
    """The one kind of bundle that a file name or a header speaks of, as specs write it: `Paragraph type`."""
    found = {match.lastgroup for match in _NAMED_KIND.finditer(key)}
    return _KIND_TITLES[found.pop() or ""] if len(found) == 1 else ""


def respelled(text: str) -> tuple[str, str]:
    """`Content type: Article`, `Article - Content type` and `Article content type` as `Article` and `content`."""
    match = _KIND_BEFORE.match(text) or _KIND_AFTER.match(text)
    return (match["name"], kind_key(match["kind"])) if match else ("", "")


def split_typed(text: str) -> tuple[str, str]:
    """`Image (Media type)` as `Image` and `media`; a bare label has the kind ``""``."""
    match = _TYPED.match(text.strip())
    if match is None:
        return text.strip(), ""
    kind = kind_key(match["type"])
    if kind in KINDS or header_key(match["type"]).endswith((" type", " types")):
        return match["name"], kind
    return text.strip(), ""
