"""Specs as nobody would write them, and as somebody does: wild cells in every column of every tab."""

import csv
from typing import Any

from hypothesis import strategies as st

from tasks.core.spec.model import SourceFile
from tests.builders.spec import HEADERS, csv_file

NASTY = (
    "",
    "-",
    "n/a",
    "#N/A",
    "TBD",
    "y",
    "n",
    "*",
    "3",
    "field_body",
    "a`b``c",
    "```",
    "`code`",
    "pipe | and \\| and \\",
    "<strong>Bold</strong> & <br> &amp; &#x41;",
    "<script>alert(1)</script>",
    "two\nlines\n\n and <br> more",
    "https://example.com/a_b www.example.com mailto:a@b.c [x](y)",
    "As an AI language model I cannot. TODO",
    "\u05e9\u05dc\u05d5\u05dd \u202eabc\u202c \u200b\u200d",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u00e9e\u0301",
    "tab\there\x0bthere\x85\u2028\u2029end",
    "one. two! three? As a editor, I want x so that y.",
    "_leading __double__ *star* ~~gone~~ # not a heading",
    "very_long_machine_name_" * 20,
    "W" * 500,
    "word " * 120,
    "=1+1",
    "Article (Content type)",
    "All except Article (Content type)",
)
LABELS = ("Article", "Image", "42x42", "42x42 2x", "Draft")
KINDS = ("Content type", "Media type")
# Tabs whose rows belong together.
TOGETHER = (
    ("Bundles", "Fields"),
    ("Bundles", "Fields", "CustomViewModes", "Menus"),
    ("CustomViews", "CustomViewsDisplays"),
    ("Workflows", "Workflowstates", "Workflowtransitions"),
    ("Imagestyles", "ImageEffects", "ResponsiveImageStyles"),
    ("Userroles", "Migrations", "ImageEffects", "Fields"),
)
NAMES = {
    "Name", "View", "View name", "Workflow", "Label", "Style name", "Image style", "Title", "From state", "To state",
    "Fallback Style", "Image Style Group(s)", "Responsive style",
}  # fmt: skip


def cells() -> st.SearchStrategy[str]:
    """A cell: something nasty, something plain, or any text at all."""
    anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
    return st.one_of(st.sampled_from(NASTY), st.sampled_from(LABELS), anything)


def _column(name: str) -> st.SearchStrategy[str]:
    label, kind = st.sampled_from(LABELS), st.sampled_from(KINDS)
    if name == "X":
        return st.sampled_from(["a", "a", "a", "x", "w", "c", "d", ""])
    if name == "Type":
        return st.one_of(kind, kind, cells())
    if name in {"Bundle", "Ref. bundle"}:
        typed = st.builds("{} ({})".format, label, kind)
        return st.one_of(typed, typed, cells())
    return st.one_of(label, label, cells()) if name in NAMES else cells()


@st.composite
def wild_tabs(draw: Any, name: str) -> SourceFile:
    """One tab with up to six rows."""
    header = next(csv.reader([HEADERS[name]]))
    rows = draw(st.lists(st.tuples(*map(_column, header)), min_size=1, max_size=6))
    return csv_file(f"{name}.csv", [header, *map(list, rows)])


def wild_specs() -> st.SearchStrategy[list[SourceFile]]:
    """Tabs of the template that belong together, each once."""
    return st.sampled_from(TOGETHER).flatmap(lambda names: st.tuples(*map(wild_tabs, names)).map(list))
