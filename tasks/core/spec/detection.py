"""Which tab a file is: by its header first, by its cells and its name only where headers tie."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tasks.core.spec.model import BOOKKEEPING, ParsedFile
from tasks.core.spec.names import KINDS, file_key, header_key, kind_key, kind_named
from tasks.core.spec.registry import REGISTRY, TAB_TYPES, tab_type
from tasks.core.spec.tab_type import TabType

_SAMPLE = 200
_CORE = 2  # names of Drupal's own from which on a tab is known by them
_MOST_TELLING = 2  # telling columns from which on a header may lack a needed one
# Names that tell nothing about the tab they stand in.
_COMMON = frozenset(
    {"name", "label", "title", "type", "entity", "entity type", "values", "description", "notes", "source"}
)
_ENOUGH = 2  # known columns that make a tab of one's own
_KIND = "type"  # the column that says what kind of bundle a row is, or is on
_NAMES_BUNDLES = {"bundles": "name", "fields": "bundle"}  # its header may say the kind of them all
# Sheets of the template, and what people add, that help to fill in the others and specify nothing.
_HELPERS = re.compile(  # at the end of a file's name
    r"(^| )(overview|read ?me|instructions|lists?|list values|drop ?downs?|look ?ups?|validation|change ?log|legend"
    r"|(revision|version) history|cover( page| sheet)?|summary|erd|behat|gherkin|glossary)$"
)


@dataclass(frozen=True, slots=True)
class Detection:
    """What tab a file is taken for, how sure that is, and why; `csv_type` is None where nothing speaks for any."""

    csv_type: str | None
    confidence: float
    reasons: tuple[str, ...]
    columns: Mapping[str, int]  # canonical name -> position in the header
    missing: tuple[str, ...] = ()  # needed columns that are not there
    rivals: tuple[str, ...] = ()  # other types that fit as well
    implied: Mapping[str, str] = field(
        default_factory=dict
    )  # columns that are not there -> what they would say


@dataclass(frozen=True, slots=True)
class _Fit:
    """How well a header fits a tab type."""

    tab: TabType
    parsed: ParsedFile
    columns: Mapping[str, int]
    known: int  # columns beside the bookkeeping
    telling: int
    usual: int  # columns under their usual names
    missing: tuple[str, ...]
    kind: str  # of all its bundles, if a header says so

    @property
    def rank(self) -> tuple[int, int]:
        """What decides between types."""
        return self.telling, self.known


def map_columns(tab: TabType, header: Sequence[str]) -> dict[str, int]:
    """Where each column of a tab type stands; of two headers of one meaning the usual name counts, then the first."""
    keys = [header_key(name) for name in header]
    columns: dict[str, int] = {}
    for usual in (True, False):
        for at, key in enumerate(keys):
            if key and at not in columns.values():
                name = _canonical(tab, key, columns, usual)
                columns |= {name: at} if name else {}
    return columns


def _canonical(tab: TabType, key: str, taken: Mapping[str, int], usual: bool) -> str | None:
    for column in tab.columns:
        if column.name not in taken and key in (column.names[:2] if usual else column.names):
            return column.name
    return None


def detect(parsed: ParsedFile) -> Detection:
    """What tab a file is."""
    fits = [_fit(tab, parsed) for tab in TAB_TYPES if tab.needs]
    whole = [fit for fit in fits if not fit.missing]
    if whole:
        return _called_by_kind(parsed, whole, fits) or _decide(parsed, whole)
    return _partial(parsed, fits) or _custom(parsed)


def why_left_out(parsed: ParsedFile, detection: Detection) -> str | None:
    """Why a file that is no tab of the template need not be asked about; None where it must be."""
    if detection.csv_type not in (None, "custom") or detection.confidence == 1:
        return None
    if not any(parsed.header):
        return "nothing stands in it"
    if _HELPERS.search(file_key(parsed.filename)):
        return "it is called like a sheet that helps to fill in the others, and has the header of no tab"
    return None


def declared(parsed: ParsedFile, csv_type: str) -> Detection:
    """A file whose tab a person said."""
    fit = _fit(tab_type(csv_type), parsed)
    return _detection(fit, 1.0, "set by a person")


def _fit(tab: TabType, parsed: ParsedFile) -> _Fit:
    header = parsed.header
    columns = map_columns(tab, header)
    kind = _kind_in_header(tab, header, columns)
    content = {name: header_key(header[at]) for name, at in columns.items() if name not in BOOKKEEPING}
    said = content.keys() | ({_KIND} if kind else set())
    missing = tuple(group[0] for group in tab.needs if said.isdisjoint(group))
    telling = sum(name in tab.telling and key not in _COMMON for name, key in content.items())
    usual = sum(key in tab.column(name).names[:2] for name, key in content.items())
    return _Fit(tab, parsed, columns, len(content), telling, usual, missing, kind)


def _kind_in_header(tab: TabType, header: Sequence[str], columns: Mapping[str, int]) -> str:
    """The kind of all bundles, where the column that names them is called by it: “Paragraph type”."""
    at = columns.get(_NAMES_BUNDLES.get(tab.name, ""))
    return kind_named(header_key(header[at])) if at is not None and _KIND not in columns else ""


def _called_by_kind(parsed: ParsedFile, whole: Sequence[_Fit], fits: Sequence[_Fit]) -> Detection | None:
    """A tab that lacks nothing but kinds, in a file that is called so, where no header tells otherwise."""
    lacking = [fit for fit in fits if fit.missing == (_KIND,)]
    named = None if any(fit.telling for fit in whole) else _by_file_name(parsed.filename, [*whole, *lacking])
    if named is None or not named.missing:
        return None
    return _detection(named, 0.5, _header_reason(named), "the file name says so")


def _decide(parsed: ParsedFile, fits: Sequence[_Fit]) -> Detection:
    best = max(fit.rank for fit in fits)
    tied: Sequence[_Fit] = [fit for fit in fits if fit.rank == best]
    if len(tied) == 1:
        return _detection(tied[0], 0.95 if tied[0].telling else 0.85, _header_reason(tied[0]))
    tied = _by_kinds(parsed, tied)
    if len(tied) == 1:
        return _detection(
            tied[0], 0.75, _header_reason(tied[0]), "the kinds in its cells decide between equals"
        )
    by_core = [fit for fit in tied if _of_core(parsed, fit) >= _CORE]
    if len(by_core) == 1:
        return _detection(by_core[0], 0.75, _header_reason(by_core[0]), "it names what every Drupal site has")
    by_name = _by_file_name(parsed.filename, tied)
    if by_name is not None:
        return _detection(by_name, 0.7, _header_reason(by_name), "the file name decides between equals")
    first, second, *_ = sorted(tied, key=lambda fit: -fit.usual)
    if first.usual > second.usual:
        return _detection(first, 0.6, _header_reason(first), "its columns have their usual names")
    rivals = tuple(fit.tab.name for fit in tied)
    custom = _fit(REGISTRY["custom"], parsed)
    return _detection(custom, 0.3, _header_reason(custom), "nothing decides between equals", rivals=rivals)


def _partial(parsed: ParsedFile, fits: Sequence[_Fit]) -> Detection | None:
    """A header that lacks a needed column, but can hardly be anything else or is named so."""
    telling = max(fits, key=lambda fit: fit.rank)
    if telling.telling >= _MOST_TELLING:
        return _detection(
            telling, 0.6, _header_reason(telling), f"but it has no {' and no '.join(telling.missing)}"
        )
    named = _by_file_name(parsed.filename, [fit for fit in fits if fit.known or fit.tab.free_form])
    if named is None:
        return None
    if named.tab.free_form:
        return _detection(named, 0.5, "the file name says so", "such tabs have any header")
    return _detection(named, 0.5, "the file name says so", f"but it has no {' and no '.join(named.missing)}")


def _custom(parsed: ParsedFile) -> Detection:
    """A tab of one's own: something like a spec, but nothing the template has."""
    known = {key for key in map(header_key, parsed.header) if key in _ALL_NAMES}
    if "machine name" in known or len(known) >= _ENOUGH:
        return _detection(_fit(REGISTRY["custom"], parsed), 0.5, "no tab of the template has this header")
    return Detection(None, 0.0, ("no column name is known",), {})


_ALL_NAMES = frozenset(name for tab in TAB_TYPES for column in tab.columns for name in column.names)


def _header_reason(fit: _Fit) -> str:
    names = ", ".join(name for name in fit.columns if name not in BOOKKEEPING)
    return f"the header has {names}"


def _detection(fit: _Fit, confidence: float, *reasons: str, rivals: tuple[str, ...] = ()) -> Detection:
    """A decision; in a tab of any header the first column is what its rows are called."""
    if not fit.tab.free_form:
        kind = fit.kind or _kind_in_file_name(fit)
        missing = tuple(name for name in fit.missing if not (kind and name == _KIND))
        implied = {_KIND: kind} if kind else {}
        return Detection(fit.tab.name, confidence, reasons, _with_lookups(fit), missing, rivals, implied)
    header, taken = fit.parsed.header, fit.columns.values()
    first = next((at for at, name in enumerate(header) if at not in taken and name), None)
    named = {fit.tab.label: first} if first is not None and fit.tab.label not in fit.columns else {}
    missing = tuple(name for name in fit.missing if name == "parent")  # what a person declared must be there
    return Detection(fit.tab.name, confidence, reasons, {**fit.columns, **named}, missing, rivals)


def _with_lookups(fit: _Fit) -> Mapping[str, int]:
    """The columns; machine names serve as references where a file has these alone."""
    instead = {one.reference: fit.columns[one.column] for one in fit.tab.lookups if one.column in fit.columns}
    return {**instead, **fit.columns}


def _kind_in_file_name(fit: _Fit) -> str:
    """The kind of all bundles of a file that is called by it: “Paragraph types.csv”."""
    is_silent = fit.tab.name == "bundles" and _KIND not in fit.columns
    return kind_named(file_key(fit.parsed.filename)) if is_silent else ""


def _by_kinds(parsed: ParsedFile, fits: Sequence[_Fit]) -> Sequence[_Fit]:
    """Where a column holds kinds of bundles, the types that have such a column; where it holds others, the rest."""
    agreement = [_kinds_agree(parsed, fit) for fit in fits]
    agreeing = [fit for fit, agrees in zip(fits, agreement, strict=True) if agrees]
    return agreeing or [fit for fit, agrees in zip(fits, agreement, strict=True) if agrees is None] or fits


def _kinds_agree(parsed: ParsedFile, fit: _Fit) -> bool | None:
    """Whether most cells of the column for kinds of bundles are such; None where nothing speaks for or against."""
    at = fit.columns.get(fit.tab.kind_column or "")
    cells = [cell for cell in parsed.data[at][:_SAMPLE] if cell] if at is not None else []
    return sum(kind_key(cell) in KINDS for cell in cells) * 2 > len(cells) if cells else None


def _of_core(parsed: ParsedFile, fit: _Fit) -> int:
    """How many things of Drupal's own stand in a file, if it is that tab."""
    at = fit.columns.get("machine_name")
    return len(fit.tab.of_core.intersection(parsed.data[at][:_SAMPLE])) if at is not None else 0


def _by_file_name(filename: str, fits: Sequence[_Fit]) -> _Fit | None:
    """The type whose words the file name holds: the last ones, then the longest, since others stand within them."""
    name = f" {file_key(filename)} "
    squeezed = name.replace(" ", "")
    found = []
    for fit in fits:
        for words in fit.tab.file_words:
            letters = words.replace(" ", "")
            if f" {words} " in name or (len(words) > 4 and letters in squeezed):  # noqa: PLR2004
                found.append((squeezed.rfind(letters) + len(letters), len(letters), fit))
    return max(found, key=lambda place: place[:2])[2] if found else None
