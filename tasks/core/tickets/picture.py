"""The dependency picture: an SVG of waves from top to bottom, a box for each ticket, coloured by its group.

The width is fixed, so that text stays readable on any page; the height grows. Labels are cut to their boxes by the
width of their characters, and clipped there should a font be wider than thought; the whole title shows on hovering.
"""

import html
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from db.enums import EntityGroup
from tasks.core.tickets.waves import Graph, Node
from tasks.core.tickets.wording import visible

WIDTH = 1600
TEXT = 12
_MARGIN, _GUTTER = 20, 150
_COLUMNS, _GAP = 5, 14
_BOX_HEIGHT, _ROW = 24, 34
_WAVE_GAP, _HEAD = 46, 96
_BOX_WIDTH = (WIDTH - 2 * _MARGIN - _GUTTER - (_COLUMNS - 1) * _GAP) / _COLUMNS
_PADDING, _ASIDE = 7, 60
COLOURS = {
    EntityGroup.CONTENT: ("#dbeafe", "#1d4ed8"),
    EntityGroup.MEDIA: ("#dcfce7", "#15803d"),
    EntityGroup.VIEWS: ("#fef3c7", "#b45309"),
    EntityGroup.MIGRATION: ("#ede9fe", "#6d28d9"),
    EntityGroup.WORKFLOW: ("#cffafe", "#0e7490"),
    EntityGroup.USER_ROLES: ("#fce7f3", "#be185d"),
    EntityGroup.CUSTOM: ("#e5e7eb", "#374151"),
}
RED = "#dc2626"
_NARROW, _WIDE = set("fijlrtI.,:;'!|()[]{}` "), set("mwMW@%")


@dataclass(frozen=True, slots=True)
class _Box:
    node: Node
    x: float
    y: float

    @property
    def middle(self) -> float:
        return self.x + _BOX_WIDTH / 2


def svg(graph: Graph, name: str, noun: str = "ticket") -> str:
    """The picture as one SVG document; a box is a ticket, or what else the noun says."""
    boxes, labels, height = _layout(graph.waves(), noun)
    in_cycle = {key for cycle in graph.cycles() for key in cycle}
    parts = [
        *_head(graph, name, noun),
        *(_edge(boxes[to], boxes[ticket]) for ticket, to in graph.edges),
        *(_given_way(boxes[to], boxes[ticket]) for ticket, to in graph.gave_way),
        *labels,
        *(_drawn(box, box.node.key in in_cycle) for box in boxes.values()),
    ]
    size = f'width="{WIDTH}" height="{height:.0f}" viewBox="0 0 {WIDTH} {height:.0f}"'
    font = "font-family=\"Arial, Helvetica, 'DejaVu Sans', sans-serif\""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font} font-size="{TEXT}">'
        f'{_DEFINITIONS}<rect width="100%" height="100%" fill="#ffffff"/>{"".join(parts)}</svg>'
    )


_DEFINITIONS = (
    "<defs>"
    f'<clipPath id="box"><rect width="{_BOX_WIDTH - 2:.1f}" height="{_BOX_HEIGHT}"/></clipPath>'
    + "".join(
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" '
        f'orient="auto-start-reverse"><path d="M0,0L8,4L0,8z" fill="{colour}"/></marker>'
        for name, colour in (("to", "#64748b"), ("gone", RED))
    )
    + "</defs>"
)


def _layout(waves: Sequence[Sequence[Node]], noun: str) -> tuple[dict[str, _Box], list[str], float]:
    """Where each box stands; the labels of waves and groups; the height of it all."""
    boxes: dict[str, _Box] = {}
    labels: list[str] = []
    y: float = _HEAD
    for number, wave in enumerate(waves, start=1):
        count = f"{len(wave)} {noun}{'s' * (len(wave) != 1)}"
        labels.append(_text(_MARGIN, y - 10, f"Wave {number} · {count}", 'font-weight="bold"'))
        labels.append(
            f'<line x1="{_MARGIN}" x2="{WIDTH - _MARGIN}" y1="{y - 4}" y2="{y - 4}" stroke="#cbd5e1"/>'
        )
        for group in dict.fromkeys(node.group for node in wave):
            labels.append(_text(_MARGIN, y + 20, group.value, f'fill="{COLOURS[group][1]}"'))
            some = [node for node in wave if node.group is group]
            for at, node in enumerate(some):
                row, column = divmod(at, _COLUMNS)
                x = _MARGIN + _GUTTER + column * (_BOX_WIDTH + _GAP)
                boxes[node.key] = _Box(node, x, y + 4 + row * _ROW)
            y += -(-len(some) // _COLUMNS) * _ROW
        y += _WAVE_GAP
    return boxes, labels, y


def _head(graph: Graph, name: str, noun: str) -> Iterator[str]:
    title = f"{visible(name)}: {len(graph.nodes)} {noun}s in {len(graph.waves())} waves, what waits for what"
    yield _text(_MARGIN, 30, fitted(title, WIDTH - 2 * _MARGIN, 18), 'font-size="18" font-weight="bold"')
    x: float = _MARGIN
    for group in dict.fromkeys(node.group for node in graph.nodes):
        fill, stroke = COLOURS[group]
        yield f'<rect x="{x}" y="42" width="14" height="14" rx="3" fill="{fill}" stroke="{stroke}"/>'
        yield _text(x + 20, 54, group.value)
        x += 120
    if graph.gave_way:
        yield f'<path d="M{x},49h34" stroke="{RED}" stroke-dasharray="5 3" marker-end="url(#gone)"/>'
        yield _text(x + 42, 54, f"gave way to break a cycle ({len(graph.gave_way)}); red boxes are in one")


def _edge(first: _Box, then: _Box) -> str:
    return f'<path d="{_curve(first, then)}" fill="none" stroke="#94a3b8" stroke-opacity=".7" marker-end="url(#to)"/>'


def _given_way(first: _Box, then: _Box) -> str:
    dashed = f'stroke="{RED}" stroke-width="1.5" stroke-dasharray="5 3" marker-end="url(#gone)"'
    return f'<path d="{_curve(first, then, _ASIDE)}" fill="none" {dashed}/>'


def _curve(first: _Box, then: _Box, aside: float = 0) -> str:
    """Downwards from what is built first; a reference that gave way may run upwards, and beside the others."""
    down = first.y < then.y
    start = first.y + _BOX_HEIGHT if down else first.y
    end = then.y if down else then.y + _BOX_HEIGHT
    bend = max(abs(end - start) / 2, 12) * (1 if down else -1)
    x, to = round(first.middle + aside, 1), round(then.middle + aside, 1)
    out = aside if first.x == then.x else 0
    return f"M{x},{start:.0f}C{x + out:.1f},{start + bend:.0f} {to + out:.1f},{end - bend:.0f} {to},{end:.0f}"


def _drawn(box: _Box, in_cycle: bool) -> str:
    fill, stroke = COLOURS[box.node.group]
    border = f'stroke="{RED}" stroke-width="2"' if in_cycle else f'stroke="{stroke}"'
    title = visible(box.node.title)
    label = fitted(title, _BOX_WIDTH - 2 * _PADDING, TEXT)
    return (
        f'<g transform="translate({box.x:.1f},{box.y:.1f})"><title>{html.escape(title)}</title>'
        f'<rect width="{_BOX_WIDTH:.1f}" height="{_BOX_HEIGHT}" rx="4" fill="{fill}" {border}/>'
        f'<g clip-path="url(#box)">{_text(_PADDING, 16, label)}</g></g>'
    )


def _text(x: float, y: float, text: str, attributes: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {attributes}>{html.escape(text)}</text>'


def fitted(text: str, width: float, size: float) -> str:
    """As much of a text as the width holds; what is cut ends in a dot of its own."""
    if _width(text) * size <= width:
        return text
    room, kept = width / size - 1, ""
    for character in text:
        room -= _width(character)
        if room < 0:
            break
        kept += character
    return kept.rstrip() + "…"


def _width(text: Iterable[str]) -> float:
    """In ems, rather too wide than too narrow."""
    return sum(
        0.36
        if c in _NARROW
        else 0.97
        if c in _WIDE
        else 0.58
        if c.isascii() and not c.isupper()
        else 0.75
        if ord(c) < 0x500  # noqa: PLR2004 - Latin, Greek and Cyrillic
        else 1.2
        for c in text
    )
