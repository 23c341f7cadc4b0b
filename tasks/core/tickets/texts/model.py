"""What the text of one kind of ticket consists of, before it becomes title, story and criteria."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """The parts of an offline text. `story` is who wants what, and for what."""

    title: str
    role: str
    want: str
    benefit: str
    criteria: tuple[str, ...]
