"""The cells of a workbook as they look in the sheet."""

import re
from datetime import date, datetime, time
from typing import Protocol

from openpyxl.utils.escape import unescape

_PADDED = re.compile(r"0+")
_DECIMALS = re.compile(r"(?P<grouped>#,##)?0(?:\.(?P<decimals>0+))?(?P<percent>%)?")
_AS_IT_IS = frozenset({"General", "@"})
_ISO = {
    "yyyy-mm-dd": "%Y-%m-%d",
    "yyyy-mm-dd hh:mm:ss": "%Y-%m-%d %H:%M:%S",
    "yyyy-mm-dd h:mm:ss": "%Y-%m-%d %H:%M:%S",
}
_EXACT = 1e15  # above, a float no longer tells whole numbers apart


class Cell(Protocol):
    """What is needed of a cell of openpyxl."""

    @property
    def value(self) -> object:
        """What is stored."""

    @property
    def number_format(self) -> str:
        """How it is shown."""


def shown(cell: Cell) -> tuple[str, bool]:
    """The text that a cell shows, and whether that is certain."""
    value = cell.value
    if value is None:
        return "", True
    if isinstance(value, str):
        return unescape(value) if "_x" in value else value, True
    if isinstance(value, bool):
        return str(value).upper(), True
    if isinstance(value, int | float):
        return _number(value, cell.number_format or "General")
    if isinstance(value, date | time):  # a datetime is a date
        return _moment(value, (cell.number_format or "").casefold())
    return str(value), False


def _number(value: float, number_format: str) -> tuple[str, bool]:
    if number_format in _AS_IT_IS:
        return _plain(value), True
    if _PADDED.fullmatch(number_format) and abs(value) < _EXACT:
        return f"{round(value):0{len(number_format)}d}", True
    match = _DECIMALS.fullmatch(number_format)
    if match is None:
        return _plain(value), False
    decimals, percent = len(match["decimals"] or ""), match["percent"] or ""
    grouped = "," if match["grouped"] else ""
    return f"{value * (100 if percent else 1):{grouped}.{decimals}f}{percent}", True


def _plain(value: float) -> str:
    if isinstance(value, int) or (abs(value) < _EXACT and value == int(value)):
        return str(int(value))
    return f"{value:.15g}"


def _moment(value: date | time, number_format: str) -> tuple[str, bool]:
    if number_format in _ISO and isinstance(value, datetime):
        return value.strftime(_ISO[number_format]), True
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat(), False
    return value.isoformat(*([" "] if isinstance(value, datetime) else [])), False
