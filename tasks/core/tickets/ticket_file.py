"""One ticket as a Markdown file with front matter: written for an editor, read back exactly.

YAML is read as text only: no tags, anchors or aliases, nothing that could make objects or grow.
"""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from tasks.core.errors import UserFixable
from tasks.core.tickets import attachment
from tasks.core.tickets.editable import FIELDS, NAMES, SEVERAL, Copy, Value, is_mark, mark, normal
from tasks.core.tickets.model import PlannedTicket

STORY, CRITERIA, NOTES = "# User story", "# Success criteria", "# Notes"
SPEC = "# From the spec (not read back)"
MAX_CHARACTERS = 2_000_000
_FENCE = re.compile(r"---[ \t]*\n(.*?)^---[ \t]*$\n?", re.DOTALL | re.MULTILINE)
_LISTS = 20  # ours has two
_ITEM = re.compile(r"[-*+][ \t]+(.*)")
_IN_FRONT = {NAMES[field]: field for field in FIELDS if field not in ("story", "criteria", "user_notes")}
_ONLY_SHOWN = frozenset({"group", "issue"})
_WORDS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


def write_file(
    ticket_id: str,
    revision: int,
    values: Mapping[str, Value],
    plan: PlannedTicket,
    issue: str | None = None,
) -> str:
    """The file of a ticket; what comes from the spec stands below, to be read."""
    front: dict[str, Any] = {
        "id": ticket_id,
        "base": mark(revision, values),
        "group": plan.entity_group.value,
    }
    if issue:
        front["issue"] = issue
    front |= {name: _plain(values[field]) for name, field in _IN_FRONT.items()}
    header = yaml.safe_dump(front, allow_unicode=True, sort_keys=False, width=10**9)
    criteria = "\n".join(f"- {line}" for line in values["criteria"])  # type: ignore[union-attr]
    parts = (
        STORY,
        _guarded(str(values["story"])),
        CRITERIA,
        criteria,
        NOTES,
        str(values["user_notes"]),
        SPEC,
    )
    return f"---\n{header}---\n\n" + "\n\n".join((*parts, _spec(plan))) + "\n"


def read_file(text: str, place: str) -> Copy:
    """A file as a person has it. Raises UserFixable that names the file and what is wrong with it."""
    if len(text) > MAX_CHARACTERS:
        raise _refused(place, "it is too long to be the file of a ticket")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    match = _FENCE.match(text)
    if match is None:
        raise _refused(place, "its front matter, the lines between two `---`, is missing")
    front = _front_matter(match.group(1), place)
    ticket_id, base = str(front.pop("id", "")), str(front.pop("base", ""))
    if not is_mark(base):
        raise _refused(place, "the line `base` was changed or is missing")
    values = {_IN_FRONT[name]: _value(_IN_FRONT[name], given, place) for name, given in front.items()}
    return Copy(
        ticket_id=ticket_id, base=base, values=values | _body(text[match.end() :], place), place=place
    )


def _front_matter(text: str, place: str) -> dict[str, Any]:
    try:
        _require_plain(text, place)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise _refused(
            place,
            f"its front matter is not YAML ({_problem(error)}); a text with `: ` or `#` stands in quotes",
        ) from error
    if not isinstance(node, yaml.MappingNode):
        raise _refused(place, "its front matter is not a list of `name: value`")
    names = [str(key.value) for key, _ in node.value]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise _refused(place, f"`{twice}` stands in it twice")
    if unknown := next(
        (name for name in names if name not in {"id", "base", *_ONLY_SHOWN, *_IN_FRONT}), None
    ):
        raise _refused(place, f"`{unknown}` is nothing that can be set; use {', '.join(_IN_FRONT)}")
    return {str(key.value): _text(value) for key, value in node.value if str(key.value) not in _ONLY_SHOWN}


def _text(node: yaml.Node) -> Any:
    """A value as the text that stands there; a list of texts stays one, anything else is no value."""
    if isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.SequenceNode):
        return [_text(item) for item in node.value]
    return None


def _require_plain(text: str, place: str) -> None:
    """Refuse what could make objects, refer, or grow, before anything is built from it."""
    depth = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.TagToken | yaml.AnchorToken | yaml.AliasToken | yaml.DirectiveToken):
            raise _refused(place, "its front matter has a tag, an anchor or an alias (`!`, `&`, `*`)")
        depth += isinstance(token, yaml.FlowSequenceStartToken | yaml.FlowMappingStartToken)
        if depth > _LISTS:
            raise _refused(place, "its front matter has lists in lists")


def _problem(error: Exception) -> str:
    mark_ = getattr(error, "problem_mark", None)
    where = f"line {mark_.line + 2}: " if mark_ else ""
    return where + str(getattr(error, "problem", None) or "it cannot be read")


def _value(field: str, given: Any, place: str) -> Value:
    if field in SEVERAL:
        several = [given] if isinstance(given, str) and given else given or []
        if isinstance(several, list) and all(isinstance(item, str) for item in several):
            return normal(field, several)
    elif isinstance(given, str) and field == "ready_for_jira":
        if (word := _WORDS.get(given.strip().lower())) is not None:
            return word
        raise _refused(place, f"`ready: {given}` is neither yes nor no")
    elif isinstance(given, str):
        return normal(field, given)
    raise _refused(place, f"`{NAMES[field]}` has a value that cannot be read")


def _body(text: str, place: str) -> dict[str, Value]:
    """The three parts that people write; the last heading of the spec's part ends the notes, whatever they say."""
    lines = text.split("\n")
    try:
        story = lines.index(STORY)
        criteria = lines.index(CRITERIA, story)
        notes = lines.index(NOTES, criteria)
        end = len(lines) - 1 - lines[::-1].index(SPEC) if SPEC in lines[notes:] else len(lines)
    except ValueError:
        raise _refused(place, f"one of the headings `{STORY}`, `{CRITERIA}`, `{NOTES}` is missing") from None
    return {
        "story": normal("story", _unguarded("\n".join(lines[story + 1 : criteria]))),
        "criteria": normal("criteria", _items(lines[criteria + 1 : notes])),
        "user_notes": normal("user_notes", "\n".join(lines[notes + 1 : end])),
    }


def _items(lines: list[str]) -> list[str]:
    items: list[str] = []
    for line in lines:
        if match := _ITEM.match(line.strip()):
            items.append(match.group(1))
        elif items and line.strip():
            items[-1] += " " + line.strip()  # an editor broke the line
        elif line.strip():
            items.append(line.strip())
    return items


def _guarded(line: str) -> str:
    """A story that begins like a heading does not end its part of the file."""
    return f"\\{line}" if line.startswith(("#", "\\")) else line


def _unguarded(text: str) -> str:
    return text.strip().removeprefix("\\")


def _plain(value: Value) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _spec(plan: PlannedTicket) -> str:
    sources = [f"{source.file}: {', '.join(map(str, source.records))}" for source in plan.sources]
    lists = (
        ("Row by row", plan.structural_criteria),
        ("Build after", plan.depends_on_names),
        ("Source", sources),
    )
    parts = [attachment.bullets(title, items) for title, items in lists if items]
    return "\n\n".join([attachment.tables(plan.tables), *parts])


def _refused(place: str, why: str) -> UserFixable:
    return UserFixable(
        f"{place}: {why}.",
        actions=("Correct the file, or pull it again into another folder.",),
        code="ticket-file",
    )
