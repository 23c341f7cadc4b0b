"""What one validation found, held against the one before it: new problems, those still there, those gone."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from tasks.core.tickets.model import Frozen

Found = Mapping[str, Sequence[str]]  # per ticket that did not pass, its problems


class Since(StrEnum):
    """What became of a problem since the validation before."""

    NEW = "new"
    STILL = "still there"
    GONE = "gone"


class Compared(Frozen):
    """The problems of one ticket, sorted by what became of them."""

    new: tuple[str, ...] = ()
    still: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def lines(self) -> list[tuple[str, Since]]:
        """Each problem with what became of it, those to be dealt with first."""
        sorted_ = ((self.new, Since.NEW), (self.still, Since.STILL), (self.gone, Since.GONE))
        return [(problem, since) for problems, since in sorted_ for problem in problems]


def compare(before: Found, now: Found) -> dict[str, Compared]:
    """Per ticket that failed in either of two validations, its problems sorted."""
    return {
        ticket: _compared(before.get(ticket, ()), now.get(ticket, ()))
        for ticket in dict.fromkeys((*now, *before))
    }


def summed_up(compared: Mapping[str, Compared]) -> str:
    """The comparison in a few words: `2 problems new, 1 still there, 3 gone`; empty where nothing is left to say."""
    counts = {
        since: sum(what is since for one in compared.values() for _, what in one.lines) for since in Since
    }
    parts = [f"{count} {since}" for since, count in counts.items() if count]
    return f"problems: {', '.join(parts)}" if parts else ""


def _compared(before: Sequence[str], now: Sequence[str]) -> Compared:
    return Compared(
        new=tuple(problem for problem in now if problem not in before),
        still=tuple(problem for problem in now if problem in before),
        gone=tuple(problem for problem in before if problem not in now),
    )
